"""Which transport is used: a fast one where it is installed, or stock httpx.

Async calls go over aiohttp, sync ones over httptools. `EMISSARY_HTTP=httpx` turns that off, and
`EMISSARY_HTTP=fast` makes it an error that they are not installed. In any case there is stock httpx
under trio, by a proxy that is not plain HTTP, and for sync calls by any proxy.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

import httpx

from emissary_transport.surroundings import HTTP_SWITCH

OLDEST = (3, 13)
"""Of aiohttp; as pyproject.toml says."""

if TYPE_CHECKING:
    from emissary_transport.aiohttp_transport import AiohttpTransport
    from emissary_transport.httptools_transport import HttptoolsTransport


def fast_transport(http: str, proxy: httpx.Proxy | None) -> type[HttptoolsTransport] | None:
    """The fast transport for sync calls, or None where stock httpx has to do.

    Raises:
        ValueError: The environment asks for one that there is not.
    """
    if not _is_wanted(http, there_is=_httptools() is not None):
        return None
    return None if proxy else _httptools()


def fast_async_transport(http: str, proxy: httpx.Proxy | None) -> type[AiohttpTransport] | None:
    """The fast transport for async calls; see `fast_transport`."""
    if not _is_wanted(http, there_is=_aiohttp() is not None):
        return None
    is_known = proxy is None or proxy.url.scheme == "http"
    return _aiohttp() if is_known and _is_asyncio() else None


def _is_wanted(http: str, *, there_is: bool) -> bool:
    if http not in {"", "httpx", "fast"}:
        raise ValueError(f"{HTTP_SWITCH} must be httpx or fast, not {http!r}.")
    if http == "fast" and not there_is:
        raise ValueError(
            f"{HTTP_SWITCH}=fast, but the fast transport is not installed: "
            "pip install 'emissary-integrations[fast]'."
        )
    return http != "httpx"


@functools.cache
def _httptools() -> type[HttptoolsTransport] | None:
    try:
        from emissary_transport.httptools_transport import HttptoolsTransport
    except ImportError:
        return None
    return HttptoolsTransport


@functools.cache
def _aiohttp() -> type[AiohttpTransport] | None:
    try:
        import aiohttp
    except ImportError:
        return None
    if tuple(map(int, aiohttp.__version__.split(".")[:2])) < OLDEST:
        return None
    from emissary_transport.aiohttp_transport import AiohttpTransport

    return AiohttpTransport


def _is_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
