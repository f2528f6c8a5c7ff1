"""What sockets do to an answer."""

import asyncio
import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import httpx
import pytest

from emissary_transport import ATOMA, EMISSARY, ORQ, errors
from pure.examples import chunk, example, sse
from wire.live import STREAMED, Live, call
from wire.peer import CLOSE, ENDED, RESET, STREAM, Peer, chunked, head, part, said, whole

HI, END, DONE = sse(chunk("hi")), sse(chunk("", "stop")), sse("[DONE]")
KEEP_ALIVE = b": keep-alive\n\n"


def test_nobody_listens(how):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = Live(how, f"http://127.0.0.1:{port}")
    with pytest.raises(errors.NoAnswer, match=r"ConnectError.*Check the base URL"):
        client.chat()
    assert len(client.slept) == 2


def test_a_host_that_is_none(how):
    client = Live(how, f"https://{'x' * 70}.test", max_retries=0)
    with pytest.raises(errors.NoAnswer, match=r"ConnectError.*Check the base URL") as caught:
        client.chat()
    assert not [held for held in all_held(caught.value) if b"sk-test" in held]


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


CAME = {
    "closed": ([HI, HI, CLOSE], 3, errors.BrokenAnswer),
    "reset": ([HI, HI, 0.05, RESET], 3, errors.BrokenAnswer),
    "wrong chunk size": ([HI, HI, 0.05, b"nonsense\r\n", CLOSE], 3, errors.BrokenAnswer),
    "whole but for the last chunk": ([HI, END, DONE, CLOSE], 2, None),
    "whole, and slow": ([0.2, HI, END, ENDED, CLOSE], 2, None),
}


@pytest.mark.parametrize(("steps", "texts", "error"), CAME.values(), ids=CAME)
def test_what_came_while_nobody_read_is_handed_over(how, steps, texts, error):
    steps = [part(step) if step in {HI, END, DONE} else step for step in steps]
    given = []

    async def main():
        async for delta in client.client.stream(STREAMED):
            given.append(delta.text)
            await asyncio.to_thread(peer.served.wait, 2)
            for _ in range(9):  # until the loop has seen all that came
                await asyncio.sleep(0)

    with Peer([STREAM, part(HI), 0.02, *steps]) as peer:
        client = Live(how, peer, timeout=0.1)
        with pytest.raises(error) if error else nullcontext():
            if how.startswith("sync"):
                for delta in client.client.stream(STREAMED):
                    given.append(delta.text)
                    assert peer.served.wait(2)
            else:
                asyncio.run(main())
        assert "".join(given) == texts * "hi"
        client.close()


@pytest.mark.parametrize("status", ["200 OK", "429 Slow down"])
def test_a_wrong_chunk_size_that_comes_with_all_the_rest(how, status):
    head_ = head(status, content_type="text/event-stream", transfer_encoding="chunked")
    with Peer([head_ + part(HI) + part(HI) + b"nonsense\r\n"], said("again")) as peer:
        client, given = Live(how, peer), []
        if status.startswith("200"):
            with pytest.raises(errors.BrokenAnswer):
                client.stream(into=given)
            assert "".join(delta.text for delta in given) == "hihi"
        else:
            assert client.streamed().text == "again"
        client.close()


def test_a_header_in_utf_8_is_read(how):
    to = "https://x.test/grün".encode()
    with Peer([b"HTTP/1.1 307 Go\r\ncontent-length: 0\r\nlocation: " + to + b"\r\n\r\n"]) as peer:
        client = Live(how, peer)
        with pytest.raises(errors.ServiceError, match="grün"):
            client.chat()
        client.close()


def test_a_refusal_that_ends_when_the_request_was_taken(how):
    def refuse():
        connection, _ = listener.accept()
        with connection:
            left = 20_000_000 - len(connection.recv(1000))
            connection.sendall(head("400 Bad", content_length=4))
            while left > 0:
                left -= len(connection.recv(1_000_000))
            connection.sendall(b"why?")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        refused = thread.submit(refuse)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = Live(how, url, max_retries=0, timeout=3)
        with pytest.raises(errors.InvalidRequest, match="400"):
            client.chat(call("x" * 20_000_000))
        refused.result()
        client.close()


def test_a_request_that_is_not_taken(how):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        client = Live(how, f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=0.2, max_retries=0)
        long = call("x" * 20_000_000)

        async def main():
            try:
                await client.client.chat(long)
            finally:
                mute.close()  # asyncio keeps what was written until the other side is gone
                await asyncio.sleep(0.05)

        with pytest.raises(errors.NoAnswer, match="WriteTimeout") as caught:
            client.chat(long) if how.startswith("sync") else asyncio.run(main())
        if "fast" in how:
            assert not [held for held in all_held(caught.value) if b"sk-test" in held]
        client.close()


def all_held(error):
    """The bytes and headers in the frames of an error, of its cause and of what it came up in."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            for held in frame.f_locals.values():
                if isinstance(held, (bytes, memoryview)):
                    yield bytes(getattr(held, "obj", held))
                elif isinstance(held, httpx.Request):
                    yield from (value for _, value in held.headers.raw)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("how", ["sync", "sync, fast"], indirect=True)  # asyncio can't read on
def test_a_refusal_that_comes_before_the_request_was_taken(how):
    def refuse():
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(whole({"error": "long"}, "413 Content Too Large")[0])

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        refused = thread.submit(refuse)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = Live(how, url, max_retries=0)
        with pytest.raises(errors.InvalidRequest, match="413"):
            client.chat(call("x" * 20_000_000))
        refused.result()
        client.close()


def test_a_proxy_that_stays_silent(how, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{mute.getsockname()[1]}")
        client = Live(how, "https://service.invalid", timeout=(0.2, 0.2), max_retries=0)
        with pytest.raises((errors.NoAnswer, errors.AnswerTimeout), match="Timeout"):
            client.chat()
        client.close()


def test_a_reason_in_another_encoding(how):
    [answer] = said("hi")
    with Peer([answer.replace(b"200 OK", b"200 Tr\xe8s bien")]) as peer:
        assert Live(how, peer).chat().text == "hi"


def test_a_reset_is_not_the_end_of_a_body_without_length(how):
    head = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    with Peer([head, sse('{"id": "a", "response": "hi"}'), 0.05, RESET]) as peer:
        client, given = Live(how, peer, EMISSARY), []
        with pytest.raises(errors.BrokenAnswer):
            client.stream(into=given)
        assert [delta.text for delta in given] == ["hi"]
