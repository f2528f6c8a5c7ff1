"""Which transport is used: the fast one where httptools is installed, or stock httpx.

`EMISSARY_HTTP=httpx` turns the fast one off; `EMISSARY_HTTP=fast` makes it an error that it is not
installed. By a proxy, and under trio, there is stock httpx in any case.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

import httpx

from emissary_transport.surroundings import HTTP_SWITCH

if TYPE_CHECKING:
    from emissary_transport.fast_async import AsyncFastTransport
    from emissary_transport.fast_sync import FastTransport


def fast_transport(http: str, proxy: httpx.Proxy | None) -> type[FastTransport] | None:
    """The fast transport for sync calls, or None where stock httpx has to do.

    Raises:
        ValueError: The environment asks for one that there is not.
    """
    if proxy or not _is_chosen(http):
        return None
    from emissary_transport.fast_sync import FastTransport

    return FastTransport


def fast_async_transport(http: str, proxy: httpx.Proxy | None) -> type[AsyncFastTransport] | None:
    """The fast transport for async calls; see `fast_transport`."""
    if proxy or not _is_chosen(http) or not _is_asyncio():
        return None
    from emissary_transport.fast_async import AsyncFastTransport

    return AsyncFastTransport


def _is_chosen(http: str) -> bool:
    if http not in {"", "httpx", "fast"}:
        raise ValueError(f"{HTTP_SWITCH} must be httpx or fast, not {http!r}.")
    if http == "fast" and not _is_installed():
        raise ValueError(
            f"{HTTP_SWITCH}=fast, but the fast transport is not installed: "
            "pip install 'emissary-integrations[fast]'."
        )
    return http != "httpx" and _is_installed()


@functools.cache
def _is_installed() -> bool:
    try:
        from httptools import HttpResponseParser
    except ImportError:
        return False
    return hasattr(HttpResponseParser, "set_dangerous_leniencies")  # from 0.6.3 on


def _is_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
