"""Faults that can be asked for, by header or from Python.

The header `X-Emulator-Fault` holds options with semicolons between them: `status=503;times=2`.
`server.fail_next(status=503, times=2)` takes the same options, with underscores for dashes.

    option               what happens
    status=N             an error of that status, in the service's own form
    code=C, message=M    the code and the words of that error
    shape=NAME           its form. Emissary: text. Orq: envelope, openai, flat, message. Atoma: text
    retry-after=V        a Retry-After header with seconds or a date
    delay=S              seconds of silence first (Atoma streams: keep-alive comments each 15 ms)
    pace=S               seconds between the events of a stream
    hang                 no answer at all, for as long as the caller waits
    reset                the connection is reset without an answer
    cut=N                the connection breaks after N events (or in the middle of a plain body)
    truncate=N           the body ends cleanly after N events, without the rest (or half-way)
    stall=N              silence for ever after N events
    error-event=N        after N events an error event, and the end
    keepalive-flood=S    comments each 15 ms for S seconds before the first event
    html, empty, garbage an HTML page, an empty body, or half a JSON object instead of the answer
    fragment=N           the body in pieces of N bytes
    glue                 all events in one piece
    crlf, noise, no-done CRLF line ends; comments, `id:` and `retry:` lines; no `[DONE]`
    omit=A,B  null=A,B   fields left out of the answer or null: `usage`, `choices.message.role`
    floats               all numbers of the answer as floats
    words=N              an answer of N words (a text without calls, or the end of one)
    preface              some text beside tool calls
    profile=NAME         what the header `X-Emulator-Profile` chooses (see the README)
    times=N, id=X        only the first N requests with the very same header value
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

HEADER = "x-emulator-fault"
PROFILE_HEADER = "x-emulator-profile"


@dataclass(frozen=True)
class Fault:
    """What shall go wrong or be odd, once."""

    status: int | None = None
    code: str | None = None
    message: str | None = None
    shape: str | None = None
    retry_after: str | float | None = None
    delay: float = 0
    pace: float = 0
    hang: bool = False
    reset: bool = False
    cut: int | None = None
    truncate: int | None = None
    stall: int | None = None
    error_event: int | None = None
    keepalive_flood: float = 0
    html: bool = False
    empty: bool = False
    garbage: bool = False
    fragment: int = 0
    glue: bool = False
    crlf: bool = False
    noise: bool = False
    no_done: bool = False
    omit: tuple[str, ...] = ()
    null: tuple[str, ...] = ()
    floats: bool = False
    words: int = 0
    preface: bool = False
    profile: str | None = None
    times: int | None = None
    id: str | None = None


class FaultOptions(TypedDict, total=False):
    """The options of a fault, for `fail_next`."""

    status: int
    code: str
    message: str
    shape: str
    retry_after: str | float
    delay: float
    pace: float
    hang: bool
    reset: bool
    cut: int
    truncate: int
    stall: int
    error_event: int
    keepalive_flood: float
    html: bool
    empty: bool
    garbage: bool
    fragment: int
    glue: bool
    crlf: bool
    noise: bool
    no_done: bool
    omit: tuple[str, ...]
    null: tuple[str, ...]
    floats: bool
    words: int
    preface: bool
    profile: str


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


_READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(
        ("status", "cut", "truncate", "stall", "error_event", "fragment", "words", "times"), int
    ),
    **dict.fromkeys(("delay", "pace", "keepalive_flood"), float),
    **dict.fromkeys(("omit", "null"), _names),
    **dict.fromkeys(("code", "message", "shape", "retry_after", "profile", "id"), str),
}
_OPTIONS = {option.name for option in fields(Fault)}


def parsed(header: str) -> Fault:
    """The fault that a header value asks for; ValueError when it makes no sense.

    >>> parsed("status=429; retry-after=2").status
    429
    """
    options: dict[str, Any] = {}
    for piece in filter(None, map(str.strip, header.split(";"))):
        name, _, value = piece.partition("=")
        key = name.strip().replace("-", "_")
        if key not in _OPTIONS:
            raise ValueError(f"there is no fault called {name.strip()!r}")
        try:
            options[key] = _READ[key](value.strip()) if key in _READ else value != "0"
        except ValueError:
            raise ValueError(f"the fault {name.strip()!r} cannot be {value!r}") from None
    return Fault(**options)


@dataclass
class _Queued:
    fault: Fault
    left: int
    service: str | None
    path: str | None

    def fits(self, service: str, path: str) -> bool:
        return self.service in {None, service} and (self.path is None or self.path in path)


class FaultBook:
    """The faults still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[_Queued] = []
        self._seen: Counter[str] = Counter()

    def queue(self, fault: Fault, times: int, service: str | None, path: str | None) -> None:
        """The next requests that fit get the fault."""
        with self._lock:
            self._queue.append(_Queued(fault, times, service, path))

    def clear(self) -> None:
        """No faults any more."""
        with self._lock:
            self._queue.clear()
            self._seen.clear()

    def take(self, service: str, path: str, headers: Mapping[str, str]) -> Fault:
        """The fault for this request, which may be none at all."""
        with self._lock:
            fault = self._queued(service, path) or self._asked(headers.get(HEADER, ""))
        return fault if fault.profile else replace(fault, profile=headers.get(PROFILE_HEADER))

    def _queued(self, service: str, path: str) -> Fault | None:
        found = next((entry for entry in self._queue if entry.fits(service, path)), None)
        if found is None:
            return None
        found.left -= 1
        if found.left <= 0:
            self._queue.remove(found)
        return found.fault

    def _asked(self, header: str) -> Fault:
        fault = parsed(header)
        if fault.times is None:
            return fault
        self._seen[header] += 1
        return fault if self._seen[header] <= fault.times else Fault()
