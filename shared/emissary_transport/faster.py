"""Which transport is used: stock httpx, or for async calls aiohttp where it is installed.

`EMISSARY_HTTP=httpx` turns the fast one off; `EMISSARY_HTTP=fast` makes it an error that it is not
installed. Under trio, and by a proxy that is not plain HTTP, there is stock httpx in any case.
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


def fast_async_transport(http: str, proxy: httpx.Proxy | None) -> type[AiohttpTransport] | None:
    """The fast transport for async calls, or None where stock httpx has to do.

    Raises:
        ValueError: The environment asks for one that there is not.
    """
    if http not in {"", "httpx", "fast"}:
        raise ValueError(f"{HTTP_SWITCH} must be httpx or fast, not {http!r}.")
    if http == "httpx":
        return None
    transport = _aiohttp()
    if transport is None and http == "fast":
        raise ValueError(
            f"{HTTP_SWITCH}=fast, but the fast transport is not installed: "
            "pip install 'emissary-integrations[fast]'."
        )
    is_known = proxy is None or proxy.url.scheme == "http"
    return transport if is_known and _is_asyncio() else None


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
