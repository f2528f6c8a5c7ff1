"""What httpx calls a request, an answer and a fault, and what they are on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import httpx

if TYPE_CHECKING:
    from emissary_transport.http_answer import Answer

Origin: TypeAlias = tuple[str, bytes, int | None]
"""Scheme, host and port."""


def origin_of(url: httpx.URL) -> Origin:
    """Where an address leads."""
    return url.scheme, url.raw_host, url.port


def place_of(origin: Origin) -> tuple[str, int]:
    """Host and port to connect to.

    >>> place_of(("https", b"service.test", None))
    ('service.test', 443)
    """
    scheme, host, port = origin
    return host.decode(), port or (443 if scheme == "https" else 80)


def written(request: httpx.Request) -> bytes:
    r"""A request as it is sent.

    >>> written(httpx.Request("GET", "http://a.test/b?c", headers={"X-D": "e"}))
    b'GET /b?c HTTP/1.1\r\nHost: a.test\r\nX-D: e\r\n\r\n'
    """
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    body = b"".join(cast("httpx.SyncByteStream", request.stream))
    return b"%s\r\n\r\n%s" % (b"\r\n".join(lines), body)


class _Response(httpx.Response):
    """An answer that is let go of without httpx's record of it."""

    def close(self) -> None:
        self.is_closed = True
        cast("httpx.SyncByteStream", self.stream).close()

    async def aclose(self) -> None:
        self.is_closed = True
        await cast("httpx.AsyncByteStream", self.stream).aclose()


def response_of(
    answer: Answer, body: httpx.SyncByteStream | httpx.AsyncByteStream
) -> httpx.Response:
    """An answer whose head has come, and the body that is still coming."""
    response = _Response(
        answer.status,
        headers=answer.headers,
        stream=body,
        extensions={"reason_phrase": answer.reason},
    )
    if all(told.isascii() for _, told in answer.headers):
        response.headers.encoding = "ascii"  # which httpx takes longer to find out
    return response
