"""Emissary, Orq and Atoma over httpx, for any framework.

A `Call` goes in, a `Reply` or a stream of `Delta`s comes out; `Client` and `AsyncClient` are the
two shells around it. See `emissary_transport.errors` for what can go wrong.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emissary_transport._version import __version__
from emissary_transport.errors import ServiceError
from emissary_transport.service import Service
from emissary_transport.services import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_NATIVE,
    ORQ,
)
from emissary_transport.settings import Settings
from emissary_transport.types import (
    Call,
    Choice,
    Delta,
    Message,
    Named,
    Reasoning,
    Reply,
    ToolCall,
    ToolFragment,
    Usage,
)

if TYPE_CHECKING:
    from emissary_transport.client import AsyncClient, Client
    from emissary_transport.pool import Connections

__all__ = [
    "ATOMA",
    "EMISSARY",
    "EMISSARY_DEPLOYMENT",
    "EMISSARY_NATIVE",
    "ORQ",
    "AsyncClient",
    "Call",
    "Choice",
    "Client",
    "Connections",
    "Delta",
    "Message",
    "Named",
    "Reasoning",
    "Reply",
    "Service",
    "ServiceError",
    "Settings",
    "ToolCall",
    "ToolFragment",
    "Usage",
    "__version__",
]


_NEED_HTTPX = {"AsyncClient": "client", "Client": "client", "Connections": "pool"}


def __getattr__(name: str) -> Any:
    """Import what needs httpx when it is first used, not when a model is imported."""
    if name not in _NEED_HTTPX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_NEED_HTTPX[name]}")
    return globals().setdefault(name, getattr(module, name))
