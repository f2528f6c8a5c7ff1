"""Event loops, threads, and leaving early, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.async_utils import asyncio_run
from llama_index.core.base.llms.types import ChatMessage

import emissary_emulator
from llamaindex.peer import HI, KEY
from llamaindex_emissary import Atoma, Emissary, Orq


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with emissary_emulator.serve() as server:
        yield server


def models(server: Any, **more: Any) -> list[Any]:
    base = server.base_url
    return [
        Orq(model="openai/gpt-4o", api_key=KEY, api_base=f"{base}/orq", **more),
        Atoma(
            model="meta-llama/Llama-3.3-70B-Instruct",
            api_key=KEY,
            api_base=f"{base}/atoma",
            **more,
        ),
        Emissary(model="support-bot", api_key=KEY, api_base=f"{base}/emissary", **more),
        Emissary(
            project_id="ms-1",
            deployment_id="dp-1",
            api_key=KEY,
            api_base=f"{base}/emissary",
            **more,
        ),
    ]


@pytest.fixture(params=range(4), ids=["orq", "atoma", "emissary", "deployment"])
def llm(request: pytest.FixtureRequest, server: Any) -> Any:
    return models(server, max_retries=0)[request.param]


def test_one_model_in_several_event_loops(llm: Any) -> None:
    async def twenty() -> list[Any]:
        return await asyncio.gather(*(llm.acomplete(f"Say {n}") for n in range(20)))

    for _ in range(3):
        assert len(asyncio.run(twenty())) == 20


def test_streams_in_several_event_loops(llm: Any) -> None:
    async def stream() -> str:
        return "".join([c.delta or "" async for c in await llm.astream_chat(HI)])

    assert len({asyncio.run(stream()) for _ in range(3)}) == 1


def test_worker_threads_each_with_a_loop(llm: Any) -> None:
    def ask(number: int) -> str:
        return str(asyncio_run(llm.acomplete(f"Say {number}")))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(12)))


def test_sync_core_code_inside_a_running_loop(llm: Any) -> None:
    async def outer() -> str:
        return str(asyncio_run(llm.acomplete("hi")))

    assert asyncio.run(outer())


def left(server: Any) -> bool:
    """Whether the emulator saw the last request being left, which takes it a moment."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if server.requests.last.outcome.left_early:
            return True
        time.sleep(0.005)
    return False


@pytest.fixture
def slow(server: Any) -> Any:
    """A stream that goes on for long unless it is left."""
    server.clear()
    server.fail_next(words=400, pace=0.02)
    return models(server, max_retries=0)[0]


def test_closing_a_stream_ends_the_request(slow: Any, server: Any) -> None:
    stream = slow.stream_chat(HI)
    next(stream)
    stream.close()
    assert left(server)


def test_breaking_out_of_a_stream_ends_the_request(slow: Any, server: Any) -> None:
    for _chunk in slow.stream_complete("hi"):
        break
    del _chunk
    gc.collect()
    assert left(server)


@pytest.mark.parametrize("method", ["astream_chat", "astream_complete"])
def test_closing_an_async_stream_ends_the_request(slow: Any, server: Any, method: str) -> None:
    async def first() -> bool:
        stream = await getattr(slow, method)(HI if method == "astream_chat" else "hi")
        await anext(stream)
        await stream.aclose()
        return await asyncio.to_thread(left, server)

    assert asyncio.run(first())


@pytest.mark.parametrize("method", ["astream_chat", "astream_complete"])
def test_cancelling_a_task_ends_the_request(slow: Any, server: Any, method: str) -> None:
    async def cancelled() -> bool:
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in await getattr(slow, method)(HI if method == "astream_chat" else "hi"):
                begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(left, server)

    assert asyncio.run(cancelled())


def test_a_prompt_may_be_a_list_of_turns(llm: Any) -> None:
    messages = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="Say one."),
        ChatMessage(role="assistant", content="one"),
        ChatMessage(role="user", content="Say two."),
    ]
    assert llm.chat(messages).message.content
