"""Who has which connection of our transports."""

import asyncio
import gc
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from weakref import WeakSet

import httpx
import pytest

from emissary_transport.fast_async import AsyncFastTransport
from emissary_transport.fast_sync import FastTransport
from emissary_transport.stock import AsyncStockTransport, StockTransport
from wire.peer import LEFT, Peer, head, whole

LIMITS = httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=30)
ANSWER = whole(b"hi", content_type="text/plain")


TLS = ssl.create_default_context()
MADE = {
    "sync": partial(StockTransport, TLS),
    "async": partial(AsyncStockTransport, TLS),
    "sync, fast": partial(FastTransport, TLS),
    "async, fast": partial(AsyncFastTransport, TLS),
}


class Over:
    """A transport that is sync or async inside, and sync outside."""

    def __init__(self, kind, **limits):
        few = {"max_connections": 2, "max_keepalive_connections": 2, "keepalive_expiry": 30}
        limits = httpx.Limits(**few | limits)
        self.loop = asyncio.new_event_loop() if kind.startswith("async") else None
        self.transport = self.run(self.made, kind, limits) if self.loop else MADE[kind](limits)

    async def made(self, kind, limits):
        return MADE[kind](limits)

    def run(self, function, *args):
        return self.loop.run_until_complete(function(*args)) if self.loop else function(*args)

    def asked(self, peer, pool=0.01):
        waits = httpx.Timeout(2, pool=pool).as_dict()
        request = httpx.Request("GET", peer.base_url, extensions={"timeout": waits})
        name = "handle_async_request" if self.loop else "handle_request"
        return self.run(getattr(self.transport, name), request)

    def read(self, answer):
        return self.run(answer.aread if self.loop else answer.read)

    def let_go(self, answer):
        self.run(answer.aclose if self.loop else answer.close)
        if self.loop:
            self.loop.run_until_complete(asyncio.sleep(0))

    def close(self):
        self.run(self.transport.aclose if self.loop else self.transport.close)
        if self.loop:
            self.loop.close()


@pytest.fixture(params=MADE)
def kind(request):
    return request.param


@pytest.fixture
def peer():
    with Peer(ANSWER) as peer:
        yield peer


def test_requests_beyond_the_limit_wait_for_a_connection(kind, peer):
    over = Over(kind)
    first, second = over.asked(peer), over.asked(peer)
    with pytest.raises(httpx.PoolTimeout):
        over.asked(peer)
    over.let_go(first)
    third = over.asked(peer)
    assert over.read(third) == b"hi"
    for each in (second, third, third):
        over.let_go(each)
    for each in [over.asked(peer), over.asked(peer)]:
        over.let_go(each)
    over.close()


def test_a_request_that_waits_is_let_in(peer):
    async def main():
        waits = httpx.Timeout(2).as_dict()
        transport = AsyncFastTransport(TLS, httpx.Limits(max_connections=1))

        async def ask():
            request = httpx.Request("GET", peer.base_url, extensions={"timeout": waits})
            answer = await transport.handle_async_request(request)
            return await answer.aread()

        assert await asyncio.gather(*(ask() for _ in range(5))) == [b"hi"] * 5
        await transport.aclose()

    asyncio.run(main())


def test_a_request_that_fails_leaves_its_place(kind):
    over = Over(kind, max_connections=1)
    with Peer([head(content_length=-1)]) as peer:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                over.asked(peer)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            over.asked(peer)
    over.close()


def test_no_more_idle_connections_are_kept_than_told(kind, peer):
    over = Over(kind, max_keepalive_connections=1)
    for each in [over.asked(peer), over.asked(peer)]:
        over.read(each)
        over.let_go(each)
    assert peer.left.wait(2)
    over.let_go(over.asked(peer))
    assert peer.accepts == 2
    over.close()


def test_a_connection_that_was_idle_for_too_long_is_closed(kind, peer):
    over = Over(kind, keepalive_expiry=0)
    for _ in range(2):
        answer = over.asked(peer)
        over.read(answer)
        over.let_go(answer)
    assert peer.accepts == 2
    over.close()
    assert peer.served.wait(2)


def test_what_was_idle_for_too_long_is_closed_before_the_next_answer(kind, peer):
    over = Over(kind, keepalive_expiry=0)
    answer = over.asked(peer)
    over.read(answer)
    over.let_go(answer)
    answer = over.asked(peer)
    assert peer.left.wait(2)
    over.let_go(answer)
    over.close()


def test_idle_connections_expire_wherever_they_lead(kind, peer):
    with Peer(ANSWER) as other:
        over = Over(kind, keepalive_expiry=0.05)
        for each in (peer, other):
            answer = over.asked(each)
            assert not peer.left.wait(0.1)
            over.read(answer)
            over.let_go(answer)
        assert peer.left.wait(2)
        over.close()


def test_a_connection_in_use_is_closed_when_it_is_given_back(kind, peer):
    over = Over(kind)
    answer = over.asked(peer)
    over.run(over.transport.aclose if over.loop else over.transport.close)
    assert over.read(answer) == b"hi"
    over.let_go(answer)
    assert peer.served.wait(2)
    over.close()


def test_an_answer_that_is_not_read_to_its_end_takes_its_connection_along(kind):
    with Peer([head(content_length=5) + b"hel", LEFT]) as peer:
        over = Over(kind)
        over.let_go(over.asked(peer))
        assert peer.left.wait(2)
        over.close()


def test_an_answer_that_was_left_does_not_hide_a_connection_that_is_idle(kind, peer):
    over = Over(kind)
    read, left = over.asked(peer), over.asked(peer)
    over.read(read)
    over.let_go(read)
    over.let_go(left)
    answer = over.asked(peer)
    assert over.read(answer) == b"hi"
    over.let_go(answer)
    assert peer.accepts == 2
    over.close()


@pytest.mark.parametrize("kind", ["sync", "async"], indirect=True)
def test_nor_does_it_by_a_proxy(kind, peer, monkeypatch):
    monkeypatch.setitem(MADE, kind, partial(MADE[kind], proxy=httpx.Proxy(peer.base_url)))
    test_an_answer_that_was_left_does_not_hide_a_connection_that_is_idle(kind, peer)


def test_another_origin_has_other_connections(kind, peer):
    with Peer(ANSWER) as other:
        over = Over(kind)
        for each in (peer, other, peer, other):
            answer = over.asked(each)
            over.read(answer)
            over.let_go(answer)
        assert (peer.accepts, other.accepts) == (1, 1)
        over.close()


@pytest.mark.parametrize("late", [b"HTTP/1.1 408 Late\r\ncontent-length: 0\r\n\r\n", b"?"])
@pytest.mark.parametrize("is_noticed", [True, False])
def test_what_comes_over_an_idle_connection_answers_no_request(kind, late, is_noticed):
    sent = threading.Event()
    with Peer([*ANSWER, 0.05, late, sent]) as peer:
        over = Over(kind)
        for _ in range(2):
            answer = over.asked(peer)
            assert (answer.status_code, over.read(answer)) == (200, b"hi")
            over.let_go(answer)
            assert sent.wait(2)
            sent.clear()
            for _ in range(3 if over.loop and is_noticed else 0):
                over.run(asyncio.sleep, 0)
        assert peer.accepts == 2
        over.close()


def test_what_comes_while_its_reader_is_away_is_held_in_bounds():
    big, sent = b"x" * 64 * 1024 * 1024, threading.Event()
    with Peer([head(content_length=len(big)) + big, sent]) as peer:
        over = Over("async, fast")
        answer = over.asked(peer)
        over.run(asyncio.sleep, 0.2)  # time enough to take it all
        assert not sent.is_set()
        assert over.read(answer) == big
        assert sent.wait(2)
        over.let_go(answer)
        answer = over.asked(peer)
        assert over.read(answer) == big
        over.let_go(answer)
        assert peer.accepts == 1
        over.close()


def test_a_connection_whose_request_was_not_sent_to_its_end_serves_no_other():
    def serve():
        first, _ = listener.accept()
        with first:
            first.recv(1000)
            first.sendall(whole(b"no", "413 Content Too Large")[0])
            second, _ = listener.accept()
            with second:
                second.recv(1000)
                second.sendall(ANSWER[0])

    async def main():
        waits = httpx.Timeout(2).as_dict()
        transport = AsyncFastTransport(TLS, LIMITS)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        said = []
        for content in (b"x" * 20_000_000, b""):
            request = httpx.Request("POST", url, content=content, extensions={"timeout": waits})
            answer = await transport.handle_async_request(request)
            said.append((answer.status_code, await answer.aread()))
            await answer.aclose()
        await transport.aclose()
        return said

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        listener.settimeout(3)
        served = thread.submit(serve)
        assert asyncio.run(main()) == [(413, b"no"), (200, b"hi")]
        served.result()


def test_cancelled_in_the_moment_when_the_answer_comes():
    sent = threading.Event()

    async def main():
        transport = AsyncFastTransport(TLS, httpx.Limits(max_connections=1))
        waits = httpx.Timeout(2).as_dict()
        request = httpx.Request("GET", peer.base_url, extensions={"timeout": waits})
        task = asyncio.create_task(transport.handle_async_request(request))
        await asyncio.to_thread(peer.asked.wait, 2)
        assert sent.wait(2)  # the loop is blocked, so that both come at once
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(peer.left.wait, 2)

    with Peer([0.1, *ANSWER, sent]) as peer:
        asyncio.run(main())


def test_an_answer_that_nobody_reads_is_in_nobodys_way(kind):
    with Peer(whole(b"x" * 3_000_000, content_type="text/plain")) as peer:
        over = Over(kind)
        answer = over.asked(peer)
        if over.loop:
            over.run(asyncio.sleep, 0.05)
        over.let_go(answer)
        answer = over.asked(peer)
        assert len(over.read(answer)) == 3_000_000
        over.let_go(answer)
        over.close()


def test_a_kept_connection_keeps_nothing_of_the_call_before(peer):
    class Held:
        """What a framework may hold in the context of a call."""

    held = ContextVar("held")

    def hold():
        held.set(Held())
        seen.add(held.get())

    async def ask(wait, mark=lambda: None):
        mark()
        waits = httpx.Timeout(wait).as_dict()
        request = httpx.Request("GET", peer.base_url, extensions={"timeout": waits})
        answer = await transport.handle_async_request(request)
        await answer.aread()
        await answer.aclose()

    async def main():
        nonlocal transport
        transport = AsyncFastTransport(TLS, LIMITS)
        await ask(600)  # asyncio itself keeps the context in which a connection was opened
        await asyncio.create_task(ask(300, hold))
        await asyncio.sleep(0)  # in which the task is let go of
        gc.collect()
        assert not seen
        assert peer.accepts == 1
        await transport.aclose()

    seen, transport = WeakSet(), None
    asyncio.run(main())
