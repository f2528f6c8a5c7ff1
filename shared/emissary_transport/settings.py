"""How a service is reached: key, address, patience."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from emissary_transport.secrecy import Secret, hidden
from emissary_transport.service import Service

if TYPE_CHECKING:
    import httpx

Timeout: TypeAlias = "float | tuple[float | None, ...] | httpx.Timeout | None"


def is_wait(seconds: Any) -> bool:
    """Whether this is a time that can be waited."""
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    return is_number and seconds > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where requests go, with which key, and how long an answer may take.

    Attributes:
        api_key: The key; never in the repr.
        base_url: Root of the service; its documented paths are appended.
        timeout: Seconds; see `timeouts.httpx_timeout`.
        stall_timeout: Seconds that may pass before and between the events of a streamed answer,
            whatever keep-alive comments come in the meantime; None means the read timeout.
        max_retries: How many more times a request is sent after the first.
        retry_timeouts: Also send again what was sent and not answered in time, although it may be
            billed twice.
        headers: Further headers; they win over ours.
        allow_http: Send the key also over plain HTTP to another machine.

    Raises:
        ValueError: A number can't be meant, or the key would go over the network in the open.
    """

    api_key: str = field(repr=False)
    base_url: str
    timeout: Timeout = None
    stall_timeout: float | None = None
    max_retries: int = 2
    retry_timeouts: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_http: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", Secret(self.api_key))
        object.__setattr__(self, "headers", hidden(self.headers))
        must_be_private(self.base_url, allow_http=self.allow_http)
        retries = self.max_retries
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
            raise ValueError(f"max_retries must be a whole number from 0 on, not {retries!r}.")
        if self.stall_timeout is not None and not is_wait(self.stall_timeout):
            raise ValueError(
                f"stall_timeout must be a number of seconds above 0, not {self.stall_timeout!r}."
            )


@functools.lru_cache(maxsize=64)
def must_be_private(base_url: str, *, allow_http: bool) -> None:
    """Refuse an address that the key would go to over the network in the open.

    Raises:
        ValueError: It is plain HTTP to another machine, and that is not allowed.
    """
    try:
        url = urlsplit(base_url.strip())
        host = url.hostname or ""
    except ValueError:
        return  # where it is used it is told what is wrong with it
    if url.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ValueError(
            f"base_url sends the key over plain HTTP to {host}, where all on the way can read "
            "it: use https://, or allow_http=True for a network that you trust."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost"


def found_key(service: Service, environ: Mapping[str, str] = os.environ) -> str | None:
    """The key that the environment holds for a service."""
    return next((environ[name] for name in service.key_env if environ.get(name)), None)


def found_base_url(service: Service, environ: Mapping[str, str] = os.environ) -> str:
    """The base URL that the environment holds for a service, or its own."""
    return environ.get(service.base_url_env) or service.base_url


def missing_key(service: Service, argument: str = "api_key") -> ValueError:
    """The error for a call without a key, naming what to set."""
    names = " or ".join(service.key_env)
    return ValueError(f"{service.title} needs an API key: pass {argument}=... or set {names}.")
