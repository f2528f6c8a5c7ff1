"""One module a service: what its wire looks like, as values and pure functions."""

from emissary_transport.services.atoma import ATOMA, ATOMA_TEXT
from emissary_transport.services.emissary import (
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_DEPLOYMENT_TEXT,
    EMISSARY_NATIVE,
    EMISSARY_TEXT,
    surface,
    text_surface,
)
from emissary_transport.services.orq import ORQ, ORQ_TEXT

CHATS = (EMISSARY, EMISSARY_DEPLOYMENT, EMISSARY_NATIVE, ORQ, ATOMA)
TEXTS = (EMISSARY_TEXT, EMISSARY_DEPLOYMENT_TEXT, ORQ_TEXT, ATOMA_TEXT)

__all__ = [
    "ATOMA",
    "ATOMA_TEXT",
    "CHATS",
    "EMISSARY",
    "EMISSARY_DEPLOYMENT",
    "EMISSARY_DEPLOYMENT_TEXT",
    "EMISSARY_NATIVE",
    "EMISSARY_TEXT",
    "ORQ",
    "ORQ_TEXT",
    "TEXTS",
    "surface",
    "text_surface",
]
