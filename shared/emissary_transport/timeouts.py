"""How long to wait, as httpx wants to be told."""

from __future__ import annotations

import httpx

from emissary_transport.settings import Timeout, is_wait

CONNECT_SECONDS = 10.0
READ_SECONDS = 600.0


def httpx_timeout(timeout: Timeout) -> httpx.Timeout:
    """A timeout in seconds as httpx wants it.

    A number is the longest wait between bytes, and for a connection if it is less than the 10
    seconds that a connection may take; None means 10 s to connect and 600 s between bytes.

    >>> httpx_timeout(5).connect, httpx_timeout(30).connect, httpx_timeout((1, 2)).read
    (5, 10.0, 2)
    """
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if timeout is None:
        return httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    if isinstance(timeout, (tuple, list)):
        if 2 <= len(timeout) <= 4 and all(wait is None or is_wait(wait) for wait in timeout):
            return httpx.Timeout(tuple(timeout))  # type: ignore[arg-type]
    elif is_wait(timeout):
        return httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
    raise ValueError(
        "timeout is a number of seconds above 0, a tuple (connect, read, write, pool), an "
        f"httpx.Timeout or None, not {timeout!r}."
    )
