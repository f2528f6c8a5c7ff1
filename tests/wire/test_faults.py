"""What sockets do to an answer."""

import socket
import time

import pytest

from emissary_transport import ATOMA, EMISSARY, ORQ, errors
from pure.examples import chunk, example, sse
from wire.live import STREAMED, Live, call
from wire.peer import CLOSE, ENDED, RESET, STREAM, Peer, chunked, head, part, said, whole

HI, END = sse(chunk("hi")), sse(chunk("", "stop"))
KEEP_ALIVE = b": keep-alive\n\n"


def test_nobody_listens(how):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = Live(how, f"http://127.0.0.1:{port}")
    with pytest.raises(errors.NoAnswer, match=r"ConnectError.*Check the base URL"):
        client.chat()
    assert len(client.slept) == 2


@pytest.mark.parametrize("fault", [CLOSE, RESET])
@pytest.mark.parametrize("each", [call(), STREAMED], ids=["chat", "stream"])
def test_hung_up_before_an_answer_is_tried_again(how, fault, each):
    with Peer([fault], [fault], said("hello") if not each.stream else chunked(HI, END)) as peer:
        client = Live(how, peer)
        assert client.streamed(each).text in {"hello", "hi"}
        assert (len(peer.requests), len(client.slept)) == (3, 2)


@pytest.mark.parametrize("fault", [CLOSE, RESET])
def test_hung_up_for_good(how, fault):
    with Peer([fault]) as peer:
        client = Live(how, peer, max_retries=1)
        with pytest.raises(errors.NoAnswer):
            client.chat()
        assert len(peer.requests) == 2


BROKEN = {
    "closed": [STREAM, part(HI), CLOSE],
    "reset": [STREAM, part(HI), 0.05, RESET],
    "closed in a chunk": [STREAM, part(HI), b"ff\r\ndata: {", CLOSE],
    "no chunk size": [STREAM, part(HI), 0.05, b"nonsense\r\n", CLOSE],
    "shorter than it said": [head(content_type="text/event-stream", content_length=999), HI, CLOSE],
    "ended without its end": [STREAM, part(HI), ENDED],
}


@pytest.mark.parametrize("steps", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("service", [ORQ, ATOMA, EMISSARY], ids=lambda service: service.name)
def test_a_stream_that_breaks_is_an_error_after_what_came(how, steps, service):
    with Peer(steps) as peer:
        client, given = Live(how, peer, service), []
        with pytest.raises(errors.BrokenAnswer):
            client.stream(into=given)
        assert [delta.text for delta in given] == ["hi"]
        assert len(peer.requests) == 1


@pytest.mark.parametrize("fault", [CLOSE, RESET])
def test_a_whole_answer_that_breaks_is_an_error(how, fault):
    body = b'{"id": "a", "choices": [{"message": {"content": "hi"}}]}'
    with Peer([head(content_type="application/json", content_length=999), body, fault]) as peer:
        client = Live(how, peer)
        with pytest.raises(errors.BrokenAnswer):
            client.chat()
        assert len(peer.requests) == 1


def test_what_speaks_no_http_is_not_tried_again(how):
    with Peer([b"SSH-2.0-OpenSSH_9.9\r\n\r\n", CLOSE]) as peer:
        client = Live(how, peer)
        with pytest.raises(errors.BadAnswer, match="RemoteProtocolError"):
            client.chat()
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("service", "name", "text"),
    [
        (ATOMA, "atoma.chat.stream-reasoning.sse", "The Vltava."),
        (ORQ, "orq.router-chat.stream-current.sse", "The Vltava."),
        (
            EMISSARY,
            "emissary.deployment-chat.stream-deltas.sse",
            "The Vltava flows through Prague.",
        ),
    ],
)
def test_one_byte_at_a_time(how, service, name, text):
    body = example(name)
    answer = chunked(*(body[at : at + 1] for at in range(len(body))))
    with Peer(answer) as peer:
        client = Live(how, peer, service)
        assert client.streamed().text == text


def within(seconds, begun):
    return time.monotonic() - begun < seconds


@pytest.mark.parametrize("before", [[], [HI]], ids=["first event", "next event"])
def test_keep_alives_do_not_hide_a_stall(how, before):
    flood = chunked(*before, *(400 * [KEEP_ALIVE, 0.01]))
    with Peer(flood) as peer:
        client, given, begun = Live(how, peer, ATOMA, stall_timeout=0.2), [], time.monotonic()
        with pytest.raises(errors.StalledAnswer, match="stalled"):
            client.stream(into=given)
        assert within(2, begun)
        assert (len(given), len(peer.requests)) == (len(before), 1)


def test_keep_alives_are_no_fault(how):
    with Peer(chunked(*(30 * [KEEP_ALIVE, 0.01]), HI, END)) as peer:
        client = Live(how, peer, ATOMA, timeout=0.5)
        assert client.streamed().text == "hi"


@pytest.mark.parametrize("limit", [{"stall_timeout": 0.1}, {"timeout": 0.1}], ids=str)
def test_silence_in_a_stream(how, limit):
    with Peer(chunked(HI, 1.0)) as peer:
        client, given = Live(how, peer, **limit), []
        with pytest.raises(errors.StalledAnswer):
            client.stream(into=given)
        assert (len(given), len(peer.requests)) == (1, 1)


def test_silence_before_an_answer(how):
    for more, tries in (({}, 1), ({"retry_timeouts": True}, 3)):
        with Peer([1.0, *said("late")]) as peer:
            client = Live(how, peer, timeout=0.1, **more)
            with pytest.raises(errors.AnswerTimeout):
                client.chat()
            assert len(peer.requests) == tries


def test_a_whole_answer_may_come_slowly(how):
    [body] = said("hello")
    pieces = [step for at in range(0, len(body), 20) for step in (body[at : at + 20], 0.08)]
    with Peer(pieces) as peer:
        client = Live(how, peer, timeout=0.4)
        assert client.chat().text == "hello"


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "301 Moved Permanently"])
def test_a_redirect_leads_nowhere(how, status):
    with Peer(said("stolen")) as other, Peer(whole(b"", status, location=other.base_url)) as peer:
        client = Live(how, peer)
        with pytest.raises(errors.Redirected):
            client.chat()
        assert (other.accepts, len(peer.requests)) == (0, 1)


def test_gzip(how):
    import gzip

    body = gzip.compress(b'{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}')
    with Peer(whole(body, content_encoding="gzip")) as peer:
        client = Live(how, peer)
        assert client.chat().text == "hi"
