"""Event loops one after the other, side by side in threads, and generators left early."""

import asyncio
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing

import pytest
from llama_index.core.base.llms.types import ChatMessage

from emissary_transport import Connections, pool
from faults import good
from faults.cells import nothing_left
from faults.ways import ASKED, NAMES, STOCK, WAYS
from loops.playing import begun, playing, settled, slowly

ways = pytest.mark.parametrize("way", WAYS, ids=NAMES)
STREAMING = [
    pytest.param(way, id=name)
    for way, name in zip(WAYS, NAMES, strict=True)
    if ("async", "streamed") in way.asks
    and not name.startswith(("langchain EmissaryLLM", "llamaindex Emissary.complete, no"))
]
"""Emissary's completions can't be streamed."""
streaming = pytest.mark.parametrize("way", STREAMING)


async def answers(way, model, count=1):
    """The answers in all ways that are async."""
    given = []
    for _ in range(count):
        for (how, _), ask in way.asks.items():
            if how == "async":
                came = []
                await ask(model, came.append)
                given.append("".join(came))
    return set(given)


@ways
def test_one_event_loop_after_the_other(way):
    with nothing_left(), playing() as peer:
        model = way.make(peer.base_url, max_retries=0)
        for _ in range(3):
            assert asyncio.run(answers(way, model, 2)) == {good.answer(way.kind)}
        assert peer.served.wait(2), "a connection outlives its event loop"


@pytest.mark.parametrize("has_trio", [True, False])
def test_an_event_loop_that_ended_is_let_go(has_trio, monkeypatch):
    if not has_trio:
        monkeypatch.delitem(sys.modules, "trio", raising=False)
    connections = Connections()

    async def carriers():
        return await connections.async_carrier(), await connections.async_carrier()

    gc.collect()
    before, found = len(pool._shared_async), []
    for _ in range(5):
        first, second = asyncio.run(carriers())
        assert first is second
        assert first.is_closed
        found.append(first)
    gc.collect()
    assert len(set(found)) == 5
    assert len(pool._shared_async) == before


@ways
def test_event_loops_side_by_side_in_threads(way):
    barrier = threading.Barrier(4)

    def ask(_):
        barrier.wait(5)
        return asyncio.run(answers(way, model, 3))

    with nothing_left(), playing() as peer:
        model = way.make(peer.base_url, max_retries=0)
        with ThreadPoolExecutor(4) as threads:
            assert set.union(*threads.map(ask, range(4))) == {good.answer(way.kind)}
        assert peer.served.wait(2)


@pytest.mark.parametrize(("way", "beside"), [*zip(WAYS, STOCK * 2, strict=True)], ids=NAMES)
def test_sync_calls_in_threads_beside_an_event_loop(way, beside):
    def ask():
        came = []
        beside.asks["sync", "plain"](model, came.append)
        return "".join(came)

    async def main():
        return await asyncio.gather(
            answers(way, model, 3), *(asyncio.to_thread(ask) for _ in range(4))
        )

    with nothing_left(), playing() as peer:
        model = way.make(peer.base_url, max_retries=0)
        of_loop, *of_threads = asyncio.run(main())
        assert of_loop == {*of_threads} == {good.answer(way.kind)}
        model.close()
        assert peer.served.wait(2)


def sync_stream(model, name):
    if hasattr(model, "invoke"):
        return model.stream(ASKED)
    said = [ChatMessage(ASKED)]
    return model.stream_chat(said) if name.endswith(".chat") else model.stream_complete(ASKED)


async def async_stream(model, name):
    if hasattr(model, "ainvoke"):
        return model.astream(ASKED)
    if name.endswith(".chat"):
        return await model.astream_chat([ChatMessage(ASKED)])
    return await model.astream_complete(ASKED)


@streaming
def test_a_sync_generator_left_early_hangs_up(way):
    with nothing_left(), playing(begun) as peer:
        model = way.make(peer.base_url)
        with closing(sync_stream(model, way.name)) as stream:
            next(stream)
            assert not peer.left.is_set()
        assert peer.left.wait(2)
        stream = sync_stream(model, way.name)
        peer.left.clear()
        next(stream)
        del stream  # as a `for` with a `break` does
        gc.collect()
        assert peer.left.wait(2)


@streaming
@pytest.mark.parametrize("leave", ["closed", "broken out of", "at the loop's end", "unread"])
def test_an_async_generator_left_early_hangs_up(way, leave):
    async def main():
        if leave == "closed":
            async with aclosing(await async_stream(model, way.name)) as stream:
                await anext(stream)
            assert await asyncio.to_thread(peer.left.wait, 2)
        elif leave == "unread":
            await async_stream(model, way.name)
        else:
            stream = await async_stream(model, way.name)
            async for _ in stream:
                break
            if leave == "broken out of":
                del stream
                gc.collect()
                assert await asyncio.to_thread(peer.left.wait, 2)
                await settled()

    with nothing_left(), playing(begun) as peer:
        model = way.make(peer.base_url)
        for _ in range(3):
            asyncio.run(main())
            assert peer.served.wait(2)
            peer.left.clear()


@streaming
def test_many_streams_at_once_of_which_some_are_left(way):
    async def one(number):
        stream = await async_stream(model, way.name)
        if number % 3:
            pieces = [piece async for piece in stream]
            return len(pieces) >= len(good.PIECES)
        async with aclosing(stream):
            await anext(stream)
        return True

    async def main():
        assert all(await asyncio.gather(*map(one, range(30))))
        await settled()

    with nothing_left(), playing(slowly) as peer:
        model = way.make(peer.base_url, max_retries=0)
        asyncio.run(main())
        assert peer.served.wait(2)
