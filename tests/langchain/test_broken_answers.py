"""Answers that never came, broke off, or ended in an error; and what retries make of them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core import exceptions as core

from emissary_transport.errors import ServiceError
from langchain_emissary import errors

from .chat_peer import (
    ATOMA,
    EMISSARY,
    HOWS,
    ORQ,
    PLAYED,
    Peer,
    Played,
    Stream,
    answer,
    answers,
    ask,
    ending,
    event,
)

pytestmark = pytest.mark.usefixtures("waits")
BROKEN = {
    "connect": (
        httpx.ConnectError("refused"),
        errors.ConnectionFailed,
        core.ModelConnectionError,
        3,
    ),
    "connect timeout": (
        httpx.ConnectTimeout("slow"),
        errors.ConnectionFailed,
        core.ModelConnectionError,
        3,
    ),
    "read timeout": (httpx.ReadTimeout("slow"), errors.TimedOut, core.ModelTimeoutError, 1),
}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("case", BROKEN)
def test_no_answer(how: str, case: str, waits: list[float]) -> None:
    given, ours, theirs, tries = BROKEN[case]
    peer = Peer([given])
    with pytest.raises(theirs) as caught:
        ask(how, ORQ.model(peer))
    assert type(caught.value) is ours
    assert len(peer.requests) == tries
    assert len(waits) == tries - 1


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_what_is_worth_retrying_is_retried_and_then_answered(
    how: str, played: Played, waits: list[float]
) -> None:
    busy = httpx.Response(429, headers={"retry-after": "3"})
    peer = Peer([busy, httpx.Response(503), answers(how, played=played)])
    assert ask(how, played.model(peer)).content == "The Vltava."
    assert len(peer.requests) == 3
    assert waits[0] == 3.0


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("tries", [0, 1])
def test_max_retries_is_how_many_more_times(how: str, tries: int) -> None:
    peer = Peer([httpx.Response(503)])
    with pytest.raises(errors.ServerError):
        ask(how, ORQ.model(peer, max_retries=tries))
    with pytest.raises(errors.ServerError):
        ask(how, ORQ.model(peer), max_retries=tries)
    assert len(peer.requests) == 2 * (tries + 1)


class CutOff(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = [f"data: {json.dumps(piece)}\n\n".encode() for piece in pieces]

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        raise httpx.ReadError("reset by peer")

    async def __aiter__(self) -> Any:
        for each in self:
            yield each


class Cutter(Peer):
    def __call__(self, request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=CutOff(event({"content": "The"})))


def streamed_until_error(how: str, model: Any) -> tuple[str, ServiceError]:
    """What came of a stream, and the error that ended it."""
    came: list[str] = []

    async def collect() -> None:
        async for chunk in model.astream("Which river?"):
            came.append(chunk.content)  # noqa: PERF401 - what came is lost if the rest fails

    try:
        if how == "astream":
            asyncio.run(collect())
        else:
            came.extend(chunk.content for chunk in model.stream("Which river?"))
    except ServiceError as error:
        return "".join(came), error
    raise AssertionError("it did not fail")


ENDS = {
    "truncated": (
        Peer([Stream([event({"content": "The"})], done=False)]),
        errors.BrokenAnswer,
        core.ModelConnectionError,
    ),
    "reset": (Cutter([]), errors.BrokenAnswer, core.ModelConnectionError),
    "error event": (
        Peer(
            [
                Stream(
                    [
                        event({"content": "The"}),
                        {"error": {"code": "rate_limit_exceeded", "message": "Slow down"}},
                    ]
                )
            ]
        ),
        errors.RateLimited,
        core.ModelRateLimitError,
    ),
    "overflow event": (
        Peer(
            [
                Stream(
                    [
                        event({"content": "The"}),
                        {"error": {"message": "This exceeds the context window"}},
                    ]
                )
            ]
        ),
        errors.ContextOverflow,
        core.ContextOverflowError,
    ),
    "unknown error event": (
        Peer([Stream([event({"content": "The"}), {"error": "It went wrong"}])]),
        errors.ServerError,
        core.ModelAPIError,
    ),
}


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("played", [ORQ, ATOMA, EMISSARY], ids=["orq", "atoma", "emissary"])
@pytest.mark.parametrize("case", ENDS)
def test_a_stream_that_ends_badly_raises_after_what_came(
    how: str, played: Played, case: str
) -> None:
    peer, ours, theirs = ENDS[case]
    text, error = streamed_until_error(how, played.model(peer))
    assert text == "The"
    assert type(error) is ours
    assert isinstance(error, theirs)


@pytest.mark.parametrize("how", HOWS)
def test_fallbacks_and_retries_of_langchain_work(how: str) -> None:
    bad = ORQ.model(Peer([httpx.Response(503)]), max_retries=0)
    good = ATOMA.model(Peer([answers(how)]))
    assert ask(how, bad.with_fallbacks([good])).content == "The Vltava."
    if "stream" in how:
        return
    peer = Peer([httpx.Response(503), answer()])
    flaky = ORQ.model(peer, max_retries=0).with_retry(
        retry_if_exception_type=(core.ModelAPIError,), wait_exponential_jitter=False
    )
    assert ask(how, flaky).content == "The Vltava."
    assert len(peer.requests) == 2


def test_a_stream_that_finished_is_whole_without_an_end_marker() -> None:
    peer = Peer([Stream([event({"content": "Hi"}), ending()], done=False)])
    assert ask("stream", ORQ.model(peer)).content == "Hi"
