"""Emissary, Orq and Atoma over httpx, for any framework.

A `Call` goes in, a `Reply` or a stream of `Delta`s comes out; `Client` and `AsyncClient` are the
two shells around it. See `emissary_transport.errors` for what can go wrong.
"""

from emissary_transport._version import __version__
from emissary_transport.client import AsyncClient, Client
from emissary_transport.errors import ServiceError
from emissary_transport.pool import Connections
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
