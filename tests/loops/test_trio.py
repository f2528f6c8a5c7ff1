"""The transport under trio; LangChain and LlamaIndex themselves know asyncio only."""

from contextlib import aclosing

import pytest
import trio

from emissary_transport import ORQ, AsyncClient, errors
from faults import good
from faults.rows import begun as half
from loops.playing import begun, playing, slowly
from wire.live import STREAMED, call, settings
from wire.peer import CLOSE, LEFT, Peer, whole


def test_answers_one_loop_after_the_other():
    async def main():
        reply = await client.chat(call())
        async with aclosing(client.stream(STREAMED)) as deltas:
            text = "".join([delta.text async for delta in deltas])
        return reply.text, text

    with playing(slowly) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        for _ in range(3):
            assert trio.run(main) == (good.TEXT, good.TEXT)
        assert peer.served.wait(2)


def test_many_at_once():
    async def ask():
        assert (await client.chat(STREAMED)).text == good.TEXT

    async def main():
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)

    with playing(slowly) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        trio.run(main)
        assert peer.served.wait(2)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([CLOSE], errors.NoAnswer),
        ([LEFT], errors.AnswerTimeout),
        (half("chat", "streamed", CLOSE), errors.BrokenAnswer),
        (half("chat", "streamed", LEFT), errors.StalledAnswer),
        (whole({"error": "Bad."}, "400 No"), errors.InvalidRequest),
    ],
    ids=["hung up", "silent", "broken", "stalled", "refused"],
)
def test_faults(answer, error):
    with Peer(answer) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0, timeout=0.1))
        with pytest.raises(error):
            trio.run(client.chat, STREAMED)
        assert peer.served.wait(2)


@pytest.mark.parametrize("seconds", [0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05])
def test_a_cancelled_scope_hangs_up(seconds):
    async def main():
        with trio.move_on_after(seconds):
            async with aclosing(client.stream(STREAMED)) as deltas:
                async for _ in deltas:
                    pass

    with playing(begun) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        trio.run(main)
        assert peer.served.wait(2)


def test_a_generator_broken_out_of():
    async def main():
        async for _ in client.stream(STREAMED):
            break

    with playing(begun) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        with pytest.warns(ResourceWarning, match="garbage collected"):
            trio.run(main)  # trio wants its users to close generators
        assert peer.served.wait(2)
