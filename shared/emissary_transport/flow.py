"""What to do next on the way to an answer: send, wait, send again, give up.

Written once as a generator that yields commands; a sync and an async shell obey them.
"""

from __future__ import annotations

import functools
import json
import random
import re
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import httpx

from emissary_transport._version import __version__
from emissary_transport.errors import (
    AnswerTimeout,
    BadAnswer,
    BrokenAnswer,
    NoAnswer,
    ServiceError,
    StalledAnswer,
)
from emissary_transport.reading import Reader
from emissary_transport.refusals import refusal
from emissary_transport.secrecy import Secret, forget_locals
from emissary_transport.service import Service
from emissary_transport.settings import Settings
from emissary_transport.types import Json

USER_AGENT = f"emissary-integrations/{__version__}"
COMMON_HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT}
CODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""How a body may be packed: once, and by at most a thousand to one, so that it stays in bounds."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0
LONGEST_RETRY_AFTER = 60.0
"""Seconds. A service that asks for more is tried again on our own schedule."""


parsed_url = functools.lru_cache(maxsize=256)(httpx.URL)
_NAME, _LINE = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII), re.compile(r"[\t -~]*")


@dataclass(slots=True)
class Send:
    """Send this request and come back with the answer's status and headers.

    Not frozen, as in `types`.
    """

    method: str
    url: str
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)
    streams: bool = False
    """Whether a stream is to come back, whose silence has a limit of its own."""


@dataclass(frozen=True, slots=True)
class ReadRefusal:
    """Read the body of an answer that is no success, as far as it comes, and let go of it."""

    response: httpx.Response


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    seconds: float


Command: TypeAlias = Send | ReadRefusal | Sleep
T = TypeVar("T")
E = TypeVar("E", bound=httpx.RequestError)
Flow: TypeAlias = Generator[Command, Any, T]


def fetch(service: Service, settings: Settings, url: str, *, has_key: bool = True) -> Send:
    """A request without a body; without the key it goes to an address that is open to all.

    Raises:
        ValueError: A header can't be sent.
    """
    headers = _with_own({"Accept": "application/json"}, service, settings, url, has_key=has_key)
    return Send("GET", url, headers, b"")


def json_headers(
    service: Service, settings: Settings, url: str, streams: bool = False
) -> httpx.Headers:
    """The headers of a request that carries JSON, all but how long it is.

    Raises:
        ValueError: A header can't be sent.
    """
    headers = {
        "Accept": "text/event-stream, application/json" if streams else "application/json",
        "Content-Type": "application/json",
    }
    return _with_own(headers, service, settings, url)


def encoded(service: Service, body: Json) -> bytes:
    """A body as JSON.

    Raises:
        ValueError: It can't be written as JSON.
    """
    try:
        return _as_json(body).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The request to {service.title} can't be written as JSON: {error}"
        ) from error


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _with_own(
    headers: dict[str, str], service: Service, settings: Settings, url: str, *, has_key: bool = True
) -> httpx.Headers:
    """The headers with the key and the caller's own, which win whatever their case."""
    headers = {"Host": parsed_url(url).netloc.decode("ascii")} | headers | COMMON_HEADERS
    if has_key:
        headers |= service.key_headers(settings.api_key)
    for name, value in settings.headers.items():
        if not has_key and str(name).lower() == service.key_header.lower():
            continue
        if not (_is(_NAME, name) and _is(_LINE, value)):
            raise ValueError(f"The header {name!r} can't be sent: it must be a line of ASCII text.")
        if name.lower() in {"content-length", "transfer-encoding"}:
            raise ValueError(f"The header {name!r} can't be sent: the body's size is known here.")
        for known in [known for known in headers if known.lower() == name.lower()]:
            del headers[known]
        headers[name] = Secret(value.strip())
    return httpx.Headers(headers)


def _is(form: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and form.fullmatch(text) is not None


def delays() -> Iterator[float]:
    """Seconds to wait before each further try: doubling, with up to a quarter taken off."""
    delay = FIRST_DELAY
    while True:
        yield delay * (1 - random.random() / 4)  # noqa: S311 - jitter, not a secret
        delay = min(2 * delay, LONGEST_DELAY)


def delivery(service: Service, settings: Settings, send: Send) -> Flow[httpx.Response]:
    """Send until a good answer begins or patience runs out.

    Raises:
        ServiceError: The last try's error; only the class says whether there is another try.
    """
    waits = delays()
    for left in range(settings.max_retries, -1, -1):
        cause: Exception | None = None
        error: ServiceError
        try:
            response: httpx.Response = yield send
        except httpx.TransportError as exc:
            error, cause = no_answer(service, exc), without_key(exc)
        else:
            headers, name = response.headers, "content-encoding"
            coding = headers[name].strip().lower() if name in headers else ""
            is_readable = coding in CODINGS
            if response.is_success and is_readable:
                return response
            if not is_readable:
                del headers[name]  # so that nothing unpacks it
            body: bytes = yield ReadRefusal(response)
            if response.is_success:
                raise BadAnswer(
                    f"{service.title} sent an answer packed as {coding!r}, which was not asked "
                    "for and can't be unpacked within bounds.",
                    service=service.name,
                )
            error = refusal(
                service,
                response.status_code,
                response.headers,
                body if is_readable else b"",
                now=time.time(),
                secret=settings.api_key,
            )
        again = error.retryable or (settings.retry_timeouts and isinstance(error, AnswerTimeout))
        if not again or not left:
            raise error from cause
        delay = next(waits)  # grows with every try, also with those that are told when to come
        told = error.retry_after
        yield Sleep(told if told is not None and told <= LONGEST_RETRY_AFTER else delay)
    raise AssertionError("unreachable")  # pragma: no cover


def no_answer(service: Service, exc: httpx.TransportError) -> ServiceError:
    """The error for a request that no byte of an answer came to."""
    cls: type[ServiceError] = NoAnswer
    if isinstance(exc, httpx.ReadTimeout):
        cls = AnswerTimeout
    elif isinstance(exc, httpx.RemoteProtocolError) and "disconnected" not in str(exc):
        cls = BadAnswer
    happened = "did not answer in time" if cls is AnswerTimeout else "gave no usable answer"
    what = str(exc) or "nothing came"
    return cls(
        f"{service.title} {happened} ({type(exc).__name__}: {what}). {cls.advice}".rstrip(),
        service=service.name,
    )


def interruption(reader: Reader, exc: httpx.RequestError) -> ServiceError | None:
    """The error for an answer that broke off, or None if it was complete and only did not end."""
    if isinstance(exc, httpx.TimeoutException):
        return None if reader.ended else reader.broken("The answer stalled", StalledAnswer)
    return reader.broken(f"The answer broke off ({str(exc).rstrip('.') or type(exc).__name__})")


def cut_off(service: Service, exc: httpx.RequestError) -> ServiceError:
    """The error for an answer in one piece that did not come whole."""
    cls = StalledAnswer if isinstance(exc, httpx.TimeoutException) else BrokenAnswer
    what = str(exc).rstrip(".") or type(exc).__name__
    return cls(f"{service.title}: The answer broke off ({what}).", service=service.name)


def without_key(exc: E) -> E:
    """The exception, remembering where the request went but not the headers that went with it."""
    forget_locals(exc)
    with suppress(RuntimeError):  # it never had a request
        exc.request = httpx.Request(exc.request.method, exc.request.url)
    return exc


class Watch:
    """Notices when an answer stalls, which keep-alive comments hide from the read timeout."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._events = 0
        self._since = time.monotonic()

    def check(self, reader: Reader) -> None:
        """Raise a read timeout if too long has passed since the reader's last event."""
        if self._seconds is None or reader.whole:
            return
        now = time.monotonic()
        if reader.events != self._events:
            self._events, self._since = reader.events, now
        elif now - self._since > self._seconds:
            raise httpx.ReadTimeout("Only keep-alive comments came.")
