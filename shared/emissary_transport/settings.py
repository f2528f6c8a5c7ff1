"""How a service is reached: key, address, patience."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from emissary_transport.service import Service

Timeout: TypeAlias = "float | tuple[float | None, ...] | httpx.Timeout | None"

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
    if isinstance(timeout, tuple):
        return httpx.Timeout(timeout)  # type: ignore[arg-type]
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or timeout <= 0:
        raise ValueError(
            "timeout is a number of seconds above 0, a tuple (connect, read, write, pool), an "
            f"httpx.Timeout or None, not {timeout!r}."
        )
    return httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where requests go, with which key, and how long an answer may take.

    Attributes:
        api_key: The key; never in the repr.
        base_url: Root of the service; its documented paths are appended.
        timeout: Seconds; see `httpx_timeout`.
        stall_timeout: Seconds that may pass between two events of an answer, whatever keep-alive
            comments come in the meantime; None means the read timeout.
        max_retries: How many more times a request is sent after the first.
        retry_timeouts: Also send again what was sent and not answered in time, although it may be
            billed twice.
        headers: Further headers; they win over ours.
    """

    api_key: str = field(repr=False)
    base_url: str
    timeout: Timeout = None
    stall_timeout: float | None = None
    max_retries: int = 2
    retry_timeouts: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


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
