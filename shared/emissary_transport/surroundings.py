"""What the environment says about how requests leave: proxies, certificates, whose HTTP."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass

import httpx

HTTP_SWITCH = "EMISSARY_HTTP"
"""`httpx` for stock httpx, `fast` to insist on the fast transports; where they are installed they
are used if neither is said. See `faster`."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The environment at one time.

    >>> around = Surroundings(proxies=(("https", "localhost:3128"),))
    >>> around.proxy_for(httpx.URL("https://service.test/v1")).url
    URL('http://localhost:3128')
    >>> around.proxy_for(httpx.URL("http://service.test/v1"))
    >>> around = Surroundings(proxies=(("all", "http://p"), ("no", "a.test, https://b.test")))
    >>> [bool(around.proxy_for(httpx.URL(f"https://{host}"))) for host in ("x.a.test", "b.test")]
    [False, False]
    >>> [bool(around.proxy_for(httpx.URL(f"http://{host}"))) for host in ("b.test", "c.test")]
    [True, True]
    """

    proxies: tuple[tuple[str, str], ...] = ()
    certificates: tuple[str, str] = ("", "")
    http: str = ""

    def proxy_for(self, url: httpx.URL) -> httpx.Proxy | None:
        """The proxy that a request to an address goes by, or None if it goes there directly."""
        proxies = dict(self.proxies)
        address = proxies.get(url.scheme) or proxies.get("all")
        if not address or _is_let_through(url, proxies.get("no")):
            return None
        return httpx.Proxy(address if "://" in address else f"http://{address}")


def surroundings() -> Surroundings:
    """The environment now."""
    return Surroundings(
        tuple(sorted(urllib.request.getproxies().items())),
        (os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")),
        os.environ.get(HTTP_SWITCH, ""),
    )


def _is_let_through(url: httpx.URL, no: str | None) -> bool:
    """Whether no proxy is for an address; asks the system where the environment is mute."""
    place = f"{url.host}:{url.port}" if url.port and ":" not in url.host else url.host
    if no is None:
        return bool(urllib.request.proxy_bypass(place))
    names = [name.strip() for name in no.split(",")]
    schemes = f"{url.scheme}://", "all://"
    here = [name for name in names if "://" not in name]
    here += [name.partition("://")[2] for name in names if name.startswith(schemes)]
    is_here: bool = urllib.request.proxy_bypass_environment(  # type: ignore[attr-defined]
        place, {"no": ",".join(here)}
    )
    return "*" in names or is_here
