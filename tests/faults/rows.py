"""The faults: what the peer does, and what has to come of it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from emissary_transport import errors
from emissary_transport.errors import ServiceError
from faults import good
from wire import peer
from wire.peer import CLOSE, ENDED, LEFT, RESET, STREAM, head, part

SHORT = 0.1
"""Seconds of silence that are too long, where silence is the fault."""
JSON, SSE = "application/json", "text/event-stream"
LIMIT = 64 * 1024
"""How long an event or a body may be in these tests; 16 MiB and 256 MiB are tested once."""
LONG = 4 * LIMIT


@dataclass(frozen=True)
class Outcome:
    """What has to come of a fault.

    Attributes:
        error: The error's class, or None for a good answer.
        tries: How many requests are made.
    """

    error: type[ServiceError] | None = None
    tries: int = 1


GOOD = Outcome()
UNUSABLE, BROKEN, STALLED = map(
    Outcome, (errors.BadAnswer, errors.BrokenAnswer, errors.StalledAnswer)
)
UNREACHABLE = Outcome(errors.NoAnswer, 3)


@dataclass(frozen=True)
class Row:
    """A fault.

    Attributes:
        name: What it is called in the document.
        steps: From a kind and a mode to what the peer does.
        streamed: What comes of it for a stream; None where there is no such stream.
        plain: What comes of it for an answer in one piece of text.
        asked: What comes of it for embeddings and rankings, if that is another thing.
        fields: Fields of the model.
    """

    name: str
    steps: Callable[[str, str], list[Any]]
    streamed: Outcome | None
    plain: Outcome | None
    asked: Outcome | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def outcome(self, kind: str, mode: str) -> Outcome | None:
        """What has to come of it."""
        if mode == "streamed":
            return self.streamed
        return (self.asked or self.plain) if kind in {"embeddings", "rerank"} else self.plain


def body_of(kind: str, mode: str) -> bytes:
    """The body of a sound answer."""
    if mode == "streamed":
        return good.sse(*good.events(kind))
    return good.encoded(good.whole(kind))


def type_of(mode: str) -> str:
    return SSE if mode == "streamed" else JSON


def sent(body: bytes, content_type: str, status: str = "200 OK", **headers: Any) -> list[Any]:
    """An answer with its length told."""
    return peer.whole(body, status, content_type, **headers)


def changed(change: Callable[[bytes], bytes], **headers: Any) -> Callable[[str, str], list[Any]]:
    """A sound answer with another body."""
    return lambda kind, mode: sent(change(body_of(kind, mode)), type_of(mode), **headers)


def always(*steps: Any) -> Callable[[str, str], list[Any]]:
    return lambda kind, mode: [*steps]


def begun(kind: str, mode: str, *then: Any) -> list[Any]:
    """Half an answer, and then."""
    body = body_of(kind, mode)
    half = body[: body.index("🌊".encode()) + 2] if kind in good.MODES else body[: len(body) // 2]
    first = head(content_type=type_of(mode), transfer_encoding="chunked") + part(half)
    return [first, *then]


def broken_by(*then: Any) -> Callable[[str, str], list[Any]]:
    return lambda kind, mode: begun(kind, mode, *then)


def in_pieces(cut: Callable[[bytes], Iterator[bytes]]) -> Callable[[str, str], list[Any]]:
    """A sound answer with one HTTP chunk, and one packet, for each piece."""

    def steps(kind: str, mode: str) -> list[Any]:
        pieces = map(part, cut(body_of(kind, mode)))
        return [head(content_type=type_of(mode), transfer_encoding="chunked"), *pieces, ENDED]

    return steps


def bytewise(body: bytes) -> Iterator[bytes]:
    return (body[at : at + 1] for at in range(len(body)))


def inside_characters(body: bytes) -> Iterator[bytes]:
    """Cut in the middle of each character of more than one byte."""
    start = 0
    for at in range(1, len(body)):
        if 0x80 <= body[at] < 0xC0:
            yield body[start:at]
            start = at
    yield body[start:]


def lines_end_in(end: bytes) -> Callable[[str, str], list[Any]]:
    def steps(kind: str, mode: str) -> list[Any]:
        if mode == "streamed":
            return sent(good.sse(*good.events(kind), end=end), SSE)
        return sent(body_of(kind, mode).replace(b", ", b"," + end) + end, JSON)

    return steps


def flooded(*flood: Any) -> Callable[[str, str], list[Any]]:
    """Comments before an answer; no JSON has any, but blanks that do not end."""

    def steps(kind: str, mode: str) -> list[Any]:
        each = part(b": keep-alive\n\n" if mode == "streamed" else b" ")
        first = head(content_type=type_of(mode), transfer_encoding="chunked")
        after = part(body_of(kind, mode))
        return [first, *(each if step == "comment" else step for step in flood), after, ENDED]

    return steps


def long_event(kind: str, mode: str) -> bytes:
    """Something sound that is only too long."""
    text = "x" * LONG
    if mode == "streamed":
        return good.sse(good.encoded(good.event(kind, text)), *good.events(kind))
    return good.encoded(good.whole(kind) | {"more": text})


def endless_line(kind: str, mode: str) -> list[Any]:
    first = head(content_type=type_of(mode), transfer_encoding="chunked")
    return [first, part(b'data: {"'), *(16 * [part(LONG // 16 * b"x")]), LEFT]


def raw_deflate(body: bytes) -> bytes:
    """Deflate without the frame that the word means, as some servers send it."""
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(body) + squeezer.flush()


def bomb(kind: str, mode: str) -> list[Any]:
    """A small body that is a big one when it is unpacked."""
    return sent(zlib.compress(long_event(kind, mode)), type_of(mode), content_encoding="deflate")


def mislabelled(told: str) -> Callable[[str, str], list[Any]]:
    return lambda kind, mode: sent(body_of(kind, mode), told)


def other_form(told: str | None = None) -> Callable[[str, str], list[Any]]:
    """A stream where none was asked for, and the other way round."""

    def steps(kind: str, mode: str) -> list[Any]:
        other = "plain" if mode == "streamed" else "streamed"
        if kind not in good.MODES:
            return sent(good.sse(body_of(kind, mode)), told or SSE)
        return sent(body_of(kind, other), told or type_of(other))

    return steps


def error_body(kind: str, mode: str) -> list[Any]:
    return sent(b'{"error": {"code": "rate_limit_exceeded", "message": "Slow down."}}', JSON)


def error_event(kind: str, mode: str) -> list[Any]:
    first, *_ = good.events(kind)
    failed = b'{"error": {"code": "provider_overloaded", "message": "Too much."}}'
    return sent(good.sse(first, failed), SSE)


def without_end(kind: str, mode: str) -> list[Any]:
    """Events that end well, but before the answer has."""
    return sent(good.sse(*good.events(kind)[:3]), SSE)


def marked_and_open(kind: str, mode: str) -> list[Any]:
    """An answer with its end marker, on a connection that does not end."""
    return [STREAM + part(body_of(kind, mode)), LEFT]


def finished_and_silent(kind: str, mode: str) -> list[Any]:
    return [STREAM + part(good.sse(*good.events(kind)[:5])), LEFT]


def twice(kind: str, mode: str) -> list[Any]:
    """Finish reason and usage told twice, and in each event."""
    if mode == "plain":
        answer = good.encoded(good.whole(kind))
        return sent(answer[:-1] + b', "usage": ' + good.encoded(good.USAGE) + b"}", JSON)
    *spoken, end, usage, done = good.events(kind)
    told = [each[:-1] + b', "usage": ' + good.encoded(good.USAGE) + b"}" for each in spoken]
    return sent(good.sse(*told, end, end, usage, usage, done), SSE)


NULLS = dict.fromkeys(("id", "object", "created", "model", "usage", "error", "system_fingerprint"))
NULL_WORDS = dict.fromkeys(("role", "refusal", "tool_calls", "function_call", "reasoning", "audio"))


def optional_nulls(kind: str, mode: str) -> list[Any]:
    """Null wherever something may be missing."""
    if mode == "plain":
        answer = good.whole(kind) | NULLS
        for choice in answer.get("choices", ()):
            choice.update({"logprobs": None, "index": None, "finish_reason": None})
            choice.get("message", {}).update(NULL_WORDS)
        return sent(good.encoded(answer), JSON)
    told = []
    for text, reason in (*((piece, None) for piece in good.PIECES), (None, "stop")):
        each = good.event(kind, text, reason) | NULLS
        for choice in each["choices"]:
            choice.update({"logprobs": None, "index": None})
            choice.get("delta", {}).update(NULL_WORDS)
        told.append(good.encoded(each))
    return sent(good.sse(*told), SSE)


def all_nulls(kind: str, mode: str) -> list[Any]:
    nothing = dict.fromkeys((*NULLS, "choices", "data", "results", "response", "message"))
    if mode == "plain":
        return sent(good.encoded(nothing), JSON)
    choice = dict.fromkeys(("index", "delta", "text", "finish_reason", "logprobs"))
    return sent(good.sse(*map(good.encoded, (nothing, nothing | {"choices": [choice]}))), SSE)


def truncated_gzip(kind: str, mode: str) -> list[Any]:
    packed = gzip.compress(body_of(kind, mode))
    return sent(packed[: len(packed) // 2], type_of(mode), content_encoding="gzip")


def told(status: str, body: bytes = b"", **headers: Any) -> Callable[[str, str], list[Any]]:
    return lambda kind, mode: sent(body, JSON, status, **headers)


SILENT = {"timeout": SHORT}
LIMITED = Outcome(errors.RateLimited)

ROWS = [
    Row("Reset before the headers", always(RESET), UNREACHABLE, UNREACHABLE),
    Row("Hung up before the headers", always(CLOSE), UNREACHABLE, UNREACHABLE),
    Row(
        "Hung up in the middle of the headers",
        always(b"HTTP/1.1 200 OK\r\nContent-Ty", CLOSE),
        UNREACHABLE,
        UNREACHABLE,
        note="httpx tells it as it tells a hang-up before them",
    ),
    Row(
        "Silence instead of headers",
        always(LEFT),
        Outcome(errors.AnswerTimeout),
        Outcome(errors.AnswerTimeout),
        fields=SILENT,
        note="3 tries with `retry_timeouts`",
    ),
    Row("No HTTP", always(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", CLOSE), UNUSABLE, UNUSABLE),
    Row(
        "A header without end",
        always(b"HTTP/1.1 200 OK\r\nX: ", 200_000 * b"x", LEFT),
        UNUSABLE,
        UNUSABLE,
    ),
    Row("Reset in the middle", broken_by(0.02, RESET), BROKEN, BROKEN),
    Row("Hung up in the middle", broken_by(CLOSE), BROKEN, BROKEN),
    Row("Hung up in a chunk", broken_by(b"ffff\r\nda", CLOSE), BROKEN, BROKEN),
    Row("No chunk size", broken_by(0.02, b"nonsense\r\n", CLOSE), BROKEN, BROKEN),
    Row("Silence in the middle", broken_by(LEFT), STALLED, STALLED, fields=SILENT),
    Row("Ended in the middle, cleanly", broken_by(ENDED), UNUSABLE, UNUSABLE),
    Row("One byte at a time", in_pieces(bytewise), GOOD, GOOD),
    Row("Borders inside characters", in_pieces(inside_characters), GOOD, GOOD),
    Row("Lines that end in CR", lines_end_in(b"\r"), GOOD, GOOD),
    Row("Lines that end in CRLF", lines_end_in(b"\r\n"), GOOD, GOOD),
    Row("Byte order mark", changed(lambda body: b"\xef\xbb\xbf" + body), GOOD, GOOD),
    Row(
        "Keep-alive comments",
        flooded(*(5 * ["comment"])),
        GOOD,
        GOOD,
        note="blanks, in an answer in one piece",
    ),
    Row(
        "Nothing but comments for minutes",
        flooded(*(200 * ["comment", 0.01]), LEFT),
        STALLED,
        None,
        fields={"stall_timeout": SHORT},
    ),
    Row(
        "A huge event or body",
        lambda kind, mode: sent(long_event(kind, mode), type_of(mode)),
        UNUSABLE,
        UNUSABLE,
        note="more than 16 MiB an event, 256 MiB a body",
    ),
    Row("A line without end", endless_line, UNUSABLE, UNUSABLE),
    Row("gzip", changed(gzip.compress, content_encoding="gzip"), GOOD, GOOD),
    Row("deflate", changed(zlib.compress, content_encoding="deflate"), GOOD, GOOD),
    Row("deflate without its frame", changed(raw_deflate, content_encoding="deflate"), GOOD, GOOD),
    Row("gzip that is none", changed(bytes, content_encoding="gzip"), BROKEN, BROKEN),
    Row("gzip cut short", truncated_gzip, UNUSABLE, UNUSABLE),
    Row("deflate bomb", bomb, UNUSABLE, UNUSABLE, note="no more is unpacked than the bounds"),
    Row(
        "gzip in gzip",
        changed(lambda body: gzip.compress(gzip.compress(body)), content_encoding="gzip, gzip"),
        UNUSABLE,
        UNUSABLE,
        note="packed twice: never unpacked",
    ),
    Row(
        "A coding that was not asked for", changed(bytes, content_encoding="br"), UNUSABLE, UNUSABLE
    ),
    Row("Called text/plain", mislabelled("text/plain"), GOOD, GOOD),
    Row(
        "Called the other form",
        lambda kind, mode: sent(body_of(kind, mode), JSON if mode == "streamed" else SSE),
        GOOD,
        GOOD,
        note="a stream as JSON, JSON as a stream",
    ),
    Row(
        "The other form",
        other_form(),
        GOOD,
        GOOD,
        UNUSABLE,
        note="JSON where a stream was asked for, a stream where none was",
    ),
    Row(
        "The other form, called what was asked for",
        lambda kind, mode: other_form(type_of(mode))(kind, mode),
        GOOD,
        GOOD,
        UNUSABLE,
    ),
    Row(
        "200 with a page",
        lambda kind, mode: sent(b"<html>Sign in</html>", "text/html"),
        UNUSABLE,
        UNUSABLE,
    ),
    Row(
        "200 with a page called JSON",
        lambda kind, mode: sent(b"<html>Sign in</html>", JSON),
        UNUSABLE,
        UNUSABLE,
    ),
    Row(
        "200 with an error body",
        error_body,
        LIMITED,
        LIMITED,
        note="the error's own class; not tried again, since it was answered",
    ),
    Row("Empty 200", lambda kind, mode: sent(b"", type_of(mode)), UNUSABLE, UNUSABLE),
    Row("204", always(head("204 No Content")), UNUSABLE, UNUSABLE),
    Row(
        "An error event in the middle",
        error_event,
        Outcome(errors.ServerError),
        None,
        note="after what came before it",
    ),
    Row("A stream without its end", without_end, BROKEN, None),
    Row("A stream that stays open after [DONE]", marked_and_open, GOOD, None),
    Row(
        "A stream that stays open after its finish reason",
        finished_and_silent,
        GOOD,
        None,
        fields=SILENT,
    ),
    Row("Usage and finish reason twice", twice, GOOD, GOOD),
    Row("Null in all that is optional", optional_nulls, GOOD, GOOD),
    Row("Null in everything", all_nulls, UNUSABLE, UNUSABLE),
]
