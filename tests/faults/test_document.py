"""The document says what the tests do, and the real bounds are what it says."""

import tracemalloc
import zlib

import pytest

from emissary_transport import errors, sse
from faults.document import BEGIN, DOCUMENT, END, matrix
from faults.rows import SSE, sent
from wire.live import STREAMED, Live
from wire.peer import STREAM, Peer, part

MIB = 1024 * 1024


def test_the_document_holds_the_matrix():
    shown = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == matrix(), "write it anew: PYTHONPATH=shared:.:tests python -m faults.document"


def test_the_bounds():
    assert (sse.MAX_EVENT_BYTES, sse.MAX_BODY_BYTES) == (16 * MIB, 256 * MIB)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_event_of_more_than_16_mib(how):
    with Peer([STREAM, *(17 * [part(MIB * b"x")])]) as peer:
        client = Live(how, peer)
        with pytest.raises(errors.BadAnswer, match="16,777,216 bytes"):
            client.stream(STREAMED)
        assert len(peer.requests) == 1
        client.close()


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_bomb_of_a_gigabyte_takes_no_more_than_the_bound(how):
    squeezer = zlib.compressobj(9)
    bomb = b"".join(squeezer.compress(MIB * b"x") for _ in range(1024)) + squeezer.flush()
    assert len(bomb) < 1.1 * MIB
    body = sent(bomb, SSE, content_encoding="deflate")
    with Peer(body) as peer:
        client = Live(how, peer)
        tracemalloc.start()
        try:
            with pytest.raises(errors.BadAnswer, match="16,777,216 bytes"):
                client.chat(STREAMED)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert most < 300 * MIB
        client.close()
