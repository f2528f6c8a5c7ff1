"""What the environment says about how requests leave: proxies, certificates, whose HTTP."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass

import httpx

HTTP_SWITCH = "EMISSARY_HTTP"
"""`httpx` for stock httpx, `fast` for nothing but the fast transport; it is used where it is
installed if neither is said."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The environment at one time.

    >>> around = Surroundings(proxies=(("https", "localhost:3128"),))
    >>> around.proxy_for(httpx.URL("https://service.test/v1")).url
    URL('http://localhost:3128')
    >>> around.proxy_for(httpx.URL("http://service.test/v1"))
    """

    proxies: tuple[tuple[str, str], ...] = ()
    certificates: tuple[str, str] = ("", "")
    http: str = ""

    def proxy_for(self, url: httpx.URL) -> httpx.Proxy | None:
        """The proxy that a request to an address goes by, or None if it goes there directly."""
        proxies = dict(self.proxies)
        address = proxies.get(url.scheme) or proxies.get("all")
        place = f"{url.host}:{url.port}" if url.port and ":" not in url.host else url.host
        if not address or urllib.request.proxy_bypass(place):
            return None
        return httpx.Proxy(address if "://" in address else f"http://{address}")


def surroundings() -> Surroundings:
    """The environment now."""
    return Surroundings(
        tuple(sorted(urllib.request.getproxies().items())),
        (os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")),
        os.environ.get(HTTP_SWITCH, ""),
    )
