"""Who opens which connection, who shares it, and who closes it."""

import asyncio
import os
import ssl
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from functools import cache
from pathlib import Path

import httpcore
import httpx
import pytest
import trio

from emissary_transport import (
    ATOMA,
    EMISSARY,
    ORQ,
    AsyncClient,
    Client,
    Connections,
    errors,
    faster,
)
from emissary_transport.carriers import Carrier
from emissary_transport.fast_async import AsyncFastTransport
from emissary_transport.fast_sync import FastTransport
from emissary_transport.surroundings import Surroundings
from pure.examples import chunk, sse
from wire.live import STREAMED, Live, call, settings
from wire.peer import CLOSE, ENDED, LEFT, STREAM, Peer, chunked, echoed, part, said, whole

HI, END, DONE = sse(chunk("hi")), sse(chunk("", "stop")), sse("[DONE]")
FOREVER = [STREAM, part(HI), LEFT]


def test_leaving_early_hangs_up_at_once(http):
    with Peer(FOREVER) as peer:
        client = Client(ORQ, settings(peer))
        stream = client.stream(STREAMED)
        assert next(stream).text == "hi"
        assert not peer.left.is_set()
        stream.close()
        assert peer.left.wait(2)


def test_leaving_early_hangs_up_at_once_async(http):
    async def main():
        async with aclosing(client.stream(STREAMED)) as stream:
            assert (await anext(stream)).text == "hi"
        return await asyncio.to_thread(peer.left.wait, 2)

    with Peer(FOREVER) as peer:
        client = AsyncClient(ORQ, settings(peer))
        assert asyncio.run(main())


async def cancelled(client, peer, each):
    """How a call ends that is cancelled once it was sent."""

    async def ask():
        async for _ in client.stream(each):
            pass

    task = asyncio.create_task(ask())
    await asyncio.to_thread(peer.asked.wait, 2)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return caught.value


@pytest.mark.parametrize("each", [call(), STREAMED], ids=["chat", "stream"])
@pytest.mark.parametrize("answer", [[LEFT], FOREVER], ids=["before the answer", "in it"])
def test_a_cancelled_task_hangs_up_at_once(http, each, answer):
    async def main():
        await cancelled(client, peer, each)
        return await asyncio.to_thread(peer.left.wait, 2)

    with Peer(answer) as peer:
        client = AsyncClient(ORQ, settings(peer))
        assert asyncio.run(main())


def test_a_cancelled_scope_hangs_up_at_once_under_trio():
    async def main():
        with trio.move_on_after(0.2):
            async with aclosing(client.stream(STREAMED)) as stream:
                async for _ in stream:
                    pass
        return await trio.to_thread.run_sync(peer.left.wait, 2)

    with Peer(FOREVER) as peer:
        client = AsyncClient(ORQ, settings(peer))
        assert trio.run(main)


def test_a_stop_sequence_hangs_up_at_once(how):
    with Peer([STREAM, part(HI), part(HI), LEFT]) as peer:
        client = Live(how, peer, EMISSARY)
        assert client.streamed(call(stream=True, stop=("ih",))).text == "h"
        assert peer.left.wait(2)
        client.close()


REUSED = {
    "whole": (ORQ, call(), said("hi")),
    "stream": (ATOMA, STREAMED, chunked(HI, END)),
    "stream with an end marker": (ORQ, STREAMED, chunked(HI, END, DONE)),
    "stream whose body ends later": (ORQ, STREAMED, [STREAM, part(HI + END + DONE), 0.02, ENDED]),
    "refusals": (ORQ, call(), whole({"error": "x"}, "400 Bad Request")),
}


@pytest.mark.parametrize(("service", "each", "answer"), REUSED.values(), ids=REUSED)
def test_connections_serve_again(how, service, each, answer):
    async def one_after_the_other(clients):
        for client in clients:
            try:
                assert (await client.chat(each)).text == "hi"
            except errors.InvalidRequest:
                assert answer[0].startswith(b"HTTP/1.1 400")

    with Peer(answer) as peer:
        clients = [Live(how, peer, service) for _ in range(2)]
        if not how.startswith("sync"):
            first, second = (client.client for client in clients)
            asyncio.run(one_after_the_other([first, second, first]))
        else:
            for client in (*clients, clients[0]):
                try:
                    assert client.chat(each).text == "hi"
                except errors.InvalidRequest:
                    assert answer[0].startswith(b"HTTP/1.1 400")
        assert (len(peer.requests), peer.accepts) == (3, 1)
        for client in clients:
            client.close()


def test_a_body_that_does_not_end_after_its_end_marker_is_left(how):
    with Peer([STREAM, part(HI + END + DONE), LEFT]) as peer:
        client = Live(how, peer)
        assert client.streamed().text == "hi"
        assert peer.left.wait(2)
        client.close()


def test_a_connection_that_the_service_closed_meanwhile_is_no_fault(http):
    with Peer([*said("hi"), CLOSE]) as peer:
        client = Client(ORQ, settings(peer, max_retries=0))
        for _ in range(3):
            peer.left.clear()
            assert client.chat(call()).text == "hi"
            assert peer.left.wait(2)
        client.close()


def test_nor_is_one_that_was_closed_while_the_event_loop_was_blocked(http):
    async def main():
        for _ in range(5):
            peer.left.clear()
            assert (await client.chat(call())).text == "hi"
            assert peer.left.wait(2)  # the loop is blocked, as by users' own code

    with Peer([*said("hi"), CLOSE]) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        asyncio.run(main())


def test_one_model_in_several_event_loops_one_after_the_other(http):
    with Peer(echoed) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        for text in ("a", "b", "c"):
            assert asyncio.run(client.chat(call(text))).text == text
        assert peer.accepts == 3


def test_one_model_in_several_event_loops_at_once(http):
    async def chats(text):
        for number in range(5):
            assert (await client.chat(call(f"{text}{number}"))).text == f"{text}{number}"

    with Peer(echoed) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda text: asyncio.run(chats(text)), "abcd"))
        assert (len(peer.requests), peer.accepts) == (20, 4)


def test_one_model_under_trio():
    with Peer(echoed) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        assert trio.run(client.chat, call("a")).text == "a"
        assert trio.run(client.chat, call("b")).text == "b"


def test_many_tasks_at_once_twice(http):
    each = range(150)

    async def main():
        for _ in range(2):
            answers = await asyncio.gather(*(client.chat(call(str(n))) for n in each))
            assert [answer.text for answer in answers] == [str(n) for n in each]

    with Peer(echoed) as peer:
        client = AsyncClient(ORQ, settings(peer, max_retries=0))
        asyncio.run(main())
        assert peer.accepts <= len(each)


def test_one_model_in_twenty_threads(http):
    barrier = threading.Barrier(20)

    def chats(number):
        barrier.wait()
        return [client.chat(call(f"{number}-{turn}")).text for turn in range(5)]

    with Peer(echoed) as peer:
        client = Client(ORQ, settings(peer, max_retries=0))
        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(chats, range(20)))
        assert answers == [[f"{number}-{turn}" for turn in range(5)] for number in range(20)]
        assert peer.accepts <= 20
        client.close()


def test_close_ends_idle_connections_and_a_later_call_works(http):
    with Peer(echoed) as peer:
        client = Client(ORQ, settings(peer))
        client.chat(call())
        client.close()
        client.close()
        assert peer.left.wait(2)
        assert client.chat(call("again")).text == "again"
        assert peer.accepts == 2
        client.close()


def test_aclose_ends_idle_connections_and_a_later_call_works(http):
    async def main():
        await client.chat(call())
        await client.aclose()
        await client.aclose()
        assert await asyncio.to_thread(peer.left.wait, 2)
        assert (await client.chat(call("again"))).text == "again"

    with Peer(echoed) as peer:
        client = AsyncClient(ORQ, settings(peer))
        asyncio.run(main())
        assert peer.accepts == 2


def test_close_leaves_connections_that_others_use(http):
    with Peer(echoed) as peer:
        one, other = Client(ORQ, settings(peer)), Client(ATOMA, settings(peer))
        one.chat(call())
        other.chat(call())
        one.close()
        other.chat(call())
        assert peer.accepts == 1
        other.close()
        assert peer.left.wait(2)


def test_aclose_leaves_connections_that_others_use(http):
    async def main():
        one, other = AsyncClient(ORQ, settings(peer)), AsyncClient(ATOMA, settings(peer))
        await one.chat(call())
        await other.chat(call())
        await one.aclose()
        await other.chat(call())
        assert peer.accepts == 1
        await other.aclose()
        return await asyncio.to_thread(peer.left.wait, 2)

    with Peer(echoed) as peer:
        assert asyncio.run(main())


def test_the_callers_own_clients_are_used_and_left_open():
    async def main():
        async with httpx.AsyncClient() as theirs:
            client = AsyncClient(ORQ, settings(peer), Connections(None, theirs))
            await client.chat(call())
            await client.aclose()
            await client.chat(call())

    with Peer(echoed) as peer:
        with httpx.Client() as theirs:
            client = Client(ORQ, settings(peer), Connections(theirs))
            client.chat(call())
            client.close()
            client.chat(call())
        assert peer.accepts == 1
        asyncio.run(main())
        assert peer.accepts == 2


@pytest.mark.parametrize("how", ["sync", "async"], indirect=True)
def test_what_fakes_httpx_is_asked_instead(how, monkeypatch):
    asked = []

    def fake(_, request):
        asked.append(request)
        return httpx.Response(200, json={"choices": [{"message": {"content": "faked"}}]})

    async def afake(_, request):
        return fake(_, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fake)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", afake)
    with Peer(CLOSE) as peer:
        replies = Live(how, peer).chats(call(), call())
        assert [reply.text for reply in replies] == ["faked"] * 2
        assert [request.method for request in asked] == ["POST"] * 2
        assert not peer.accepts


@pytest.mark.parametrize("how", ["sync", "async"], indirect=True)
def test_no_request_goes_by_httpcores_pool(how, monkeypatch):
    monkeypatch.delattr(httpcore.ConnectionPool, "handle_request")
    monkeypatch.delattr(httpcore.AsyncConnectionPool, "handle_async_request")
    with Peer(echoed) as peer:
        Live(how, peer).chats(call(), call())
        assert peer.accepts == 1


@pytest.mark.parametrize("wrong", [{"http_client": "x"}, {"http_async_client": object()}])
def test_what_is_no_client_is_an_error(wrong):
    with pytest.raises(ValueError, match=r"Pass an httpx\.(Async)?Client, not"):
        Connections(**wrong)
    with httpx.Client() as http, pytest.raises(ValueError, match=r"Pass an httpx\.AsyncClient"):
        Connections(http_async_client=http)


def test_what_a_service_tells_one_model_is_not_told_by_another(how):
    [body] = said("hi")
    with Peer([body.replace(b"\r\n", b"\r\nset-cookie: session=1\r\n", 1)]) as peer:
        Live(how, peer).chats(call(), call())
        Live(how, peer, api_key="sk-other-12345678").chat()
        assert len(peer.requests) == 3
        assert not any(b"cookie" in request.lower() for request in peer.requests)


def test_a_proxy_from_the_environment(how, monkeypatch):
    with Peer(said("by proxy")) as proxy, Peer(said("directly")) as peer:
        early = Live(how, peer)
        assert early.chat().text == "directly"
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        client = Live(how, "http://service.invalid/prefix", allow_http=True)
        assert client.chat().text == "by proxy"
        line = proxy.requests[0].partition(b"\r\n")[0]
        assert line == b"POST http://service.invalid/prefix/v2/router/chat/completions HTTP/1.1"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert Live(how, peer).chat().text == "directly"


def test_a_proxy_with_a_password(how, monkeypatch):
    with Peer(said("by proxy")) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.base_url.replace("http://", "http://me:pass%40@"))
        client = Live(how, "http://service.invalid", allow_http=True)
        assert client.chat().text == "by proxy"
        assert b"proxy-authorization: basic bwu6cgfzc0a=\r\n" in proxy.requests[0].lower()


def test_a_proxy_for_https_learns_the_host_and_not_the_key(how, monkeypatch):
    with Peer(whole(b"", "403 Forbidden")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        with pytest.raises(errors.NoAnswer, match="403 Forbidden"):
            Live(how, "https://service.invalid", max_retries=0).chat()
        [request] = proxy.requests
        assert request.startswith(b"CONNECT service.invalid:443 HTTP/1.1\r\n")
        assert b"sk-test" not in request


def test_a_proxy_that_is_set_before_the_first_call_and_not_after(how, monkeypatch):
    with Peer(said("by proxy")) as proxy, Peer(said("directly")) as peer:
        first, second = Live(how, peer), Live(how, peer)
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        assert first.chat().text == "by proxy"
        monkeypatch.delenv("HTTP_PROXY")
        assert second.chat().text == "directly"


START = """
import asyncio, os, sys
from wire.live import STREAMED, call, settings
from emissary_transport import ATOMA, ORQ, AsyncClient, Client
told = settings(sys.argv[1], max_retries=0)
"""
FORKED = """
client = Client(ATOMA, told)
assert client.chat(call()).text == "hi"
child = os.fork()
assert client.chat(call()).text == "hi"
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
FORKED_LATER = """
client, loop = AsyncClient(ATOMA, told), asyncio.new_event_loop()
assert loop.run_until_complete(client.chat(call())).text == "hi"
child = os.fork()
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert loop.run_until_complete(client.chat(call())).text == "hi"
    loop.run_until_complete(client.aclose())
"""
UNCLOSED = """
client, later = Client(ATOMA, told), AsyncClient(ATOMA, told)
client.chat(call())
asyncio.run(later.chat(call()))
stream = client.stream(STREAMED)
next(stream)

async def left():
    async for delta in later.stream(STREAMED):
        break  # without aclose, as users write it

asyncio.run(left())
"""


def run(program, peer, *flags):
    """What a program of its own says on stderr."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, *flags, "-c", START + program, peer.base_url],
        env=os.environ | {"PYTHONPATH": f"{root / 'shared'}{os.pathsep}{root / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stderr or done.returncode


NEVER_ENDED = """
for is_closed in (True, False):
    loop, client = asyncio.new_event_loop(), AsyncClient(ATOMA, told)
    loop.run_until_complete(client.chat(call()))
    if is_closed:
        loop.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_connections_of_its_own(http):
    with Peer(chunked(HI, END)) as peer:
        assert run(FORKED, peer, "-W", "error") == 0
        assert (len(peer.requests), peer.accepts) == (3, 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_the_end_of_a_forked_child_leaves_its_parents_connections_alone(http):
    with Peer(chunked(HI, END)) as peer:
        assert run(FORKED_LATER, peer) == 0
        assert (len(peer.requests), peer.accepts) == (2, 1)


def test_a_program_that_closes_nothing_ends_without_warnings(http):
    with Peer(chunked(HI, END)) as peer:
        assert run(UNCLOSED, peer, "-W", "error") == 0


def test_event_loops_that_never_come_to_their_end_are_no_trouble(http):
    with Peer(chunked(HI, END)) as peer:
        assert run(NEVER_ENDED, peer) == 0


CERTIFICATE = Path(__file__).parents[1] / "fixtures" / "localhost.pem"
"""Of a peer, with the key that goes with it; good for nothing but these tests."""


def over_tls(*answers):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    return Peer(*answers, tls=tls)


def test_certificates_from_the_environment(how, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with over_tls(chunked(HI, END)) as peer:
        client = Live(how, peer)
        assert client.streamed().text == "hi"
        assert len(peer.requests) == 1
        client.close()


def test_an_unknown_certificate_is_told_nothing(how):
    with over_tls(said("hi")) as peer:
        client = Live(how, peer, max_retries=0)
        with pytest.raises(errors.NoAnswer, match=r"ConnectError.*CERTIFICATE_VERIFY_FAILED"):
            client.chat()
        assert not peer.requests
        client.close()


@pytest.fixture
def sent_over(monkeypatch):
    """Which transports there were."""
    made = []
    for cls in (*STOCK.values(), *FAST.values()):

        def counting(self, *args, cls=cls, init=cls.__init__, **options):
            made.append(cls)
            init(self, *args, **options)

        monkeypatch.setattr(cls, "__init__", counting)
    return made


STOCK = {"sync": httpx.HTTPTransport, "async": httpx.AsyncHTTPTransport}
FAST = {"sync": FastTransport, "async": AsyncFastTransport}


def chat_in(run, client):
    """Chat, or fail at it."""

    async def main():
        with suppress(errors.NoAnswer):
            return await client.chat(call())

    if run is not None:
        return run(main) if run is trio.run else run(main())
    with suppress(errors.NoAnswer):
        return client.chat(call())


@pytest.mark.parametrize(
    ("told", "proxy", "run", "wanted"),
    [
        (None, None, None, FAST["sync"]),
        ("fast", None, None, FAST["sync"]),
        ("httpx", None, None, STOCK["sync"]),
        (None, "http://127.0.0.1:1", None, STOCK["sync"]),
        (None, None, asyncio.run, FAST["async"]),
        ("fast", None, asyncio.run, FAST["async"]),
        ("httpx", None, asyncio.run, STOCK["async"]),
        (None, None, trio.run, STOCK["async"]),
        (None, "http://127.0.0.1:1", asyncio.run, STOCK["async"]),
    ],
)
def test_which_transport_is_used(told, proxy, run, wanted, monkeypatch, sent_over):
    monkeypatch.delenv("EMISSARY_HTTP")
    if told:
        monkeypatch.setenv("EMISSARY_HTTP", told)
    if proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
    with Peer(said("hi")) as peer:
        client = (AsyncClient if run else Client)(ORQ, settings(peer, max_retries=0))
        answer = chat_in(run, client)
        assert (answer is None) is bool(proxy)
        assert sent_over == [wanted]
        if not run:
            client.close()


@pytest.mark.parametrize("run", [None, asyncio.run], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("told", "match"),
    [("quick", "must be httpx or fast"), ("fast", r"pip install '.*\[fast\]'")],
)
def test_a_transport_that_there_is_not(told, match, run, monkeypatch):
    monkeypatch.setattr(faster, "_is_installed", cache(faster._is_installed.__wrapped__))
    monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.setenv("EMISSARY_HTTP", told)
    with Peer(said("hi")) as peer:
        client = (AsyncClient if run else Client)(ORQ, settings(peer))
        with pytest.raises(ValueError, match=match):
            chat_in(run, client)
        assert not peer.accepts
        monkeypatch.delenv("EMISSARY_HTTP")
        client = (AsyncClient if run else Client)(ORQ, settings(peer))
        assert chat_in(run, client).text == "hi"


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_a_large_request(how, size):
    text = "x" * size
    with Peer(echoed) as peer:
        client = Live(how, peer)
        assert client.chat(call(text)).text == text
        assert int(header(peer.requests[0], b"content-length")) > size


def header(request, name):
    head = request.partition(b"\r\n\r\n")[0].lower()
    [line] = [line for line in head.split(b"\r\n") if line.startswith(name + b":")]
    return line.partition(b":")[2]


def test_a_request_is_logged(how, caplog):
    caplog.set_level("DEBUG")
    with Peer(said("hi")) as peer:
        Live(how, peer).chat()
    [told] = [r.getMessage() for r in caplog.records if r.name == "emissary_transport"]
    assert told == f'HTTP Request: POST {peer.base_url}/v2/router/chat/completions "200 OK"'
    assert "sk-test" not in caplog.text


def test_proxies_with_other_passwords_are_others():
    around = Surroundings(proxies=(("http", "http://a:1@p.test"), ("https", "http://b:2@p.test")))
    carrier = Carrier(around)
    addresses = map(httpx.URL, ("http://x.test", "https://x.test", "http://y.test"))
    http, https, again = map(carrier._to, addresses)
    assert http is not https
    assert http is again
    carrier.close()


@pytest.mark.parametrize("each", [call(), STREAMED], ids=["chat", "stream"])
def test_a_cancelled_call_leaves_the_key_in_no_frame(http, each):
    async def main():
        error = await cancelled(client, peer, each)
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        told = "".join(shown.format())
        assert "request = " in told
        assert "sk-test-1234567890" not in told

    with Peer([LEFT]) as peer:
        client = AsyncClient(ORQ, settings(peer))
        asyncio.run(main())
