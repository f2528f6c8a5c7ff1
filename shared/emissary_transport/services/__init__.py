"""One module a service: what its wire looks like, as values and pure functions."""

from emissary_transport.services.atoma import (
    ATOMA,
    ATOMA_EMBEDDING,
    ATOMA_LISTINGS,
    ATOMA_TEXT,
)
from emissary_transport.services.emissary import (
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_DEPLOYMENT_EMBEDDING,
    EMISSARY_DEPLOYMENT_TEXT,
    EMISSARY_EMBEDDING,
    EMISSARY_LISTINGS,
    EMISSARY_NATIVE,
    EMISSARY_TEXT,
    embedding_surface,
    surface,
    text_surface,
)
from emissary_transport.services.orq import (
    ORQ,
    ORQ_EMBEDDING,
    ORQ_LISTINGS,
    ORQ_RERANK,
    ORQ_TEXT,
)

CHATS = (EMISSARY, EMISSARY_DEPLOYMENT, EMISSARY_NATIVE, ORQ, ATOMA)
TEXTS = (EMISSARY_TEXT, EMISSARY_DEPLOYMENT_TEXT, ORQ_TEXT, ATOMA_TEXT)
EMBEDDINGS = (EMISSARY_EMBEDDING, EMISSARY_DEPLOYMENT_EMBEDDING, ORQ_EMBEDDING, ATOMA_EMBEDDING)
LISTINGS = {
    EMISSARY.name: EMISSARY_LISTINGS,
    ORQ.name: ORQ_LISTINGS,
    ATOMA.name: ATOMA_LISTINGS,
}
"""The lists of models of each service, by its name."""

__all__ = [
    "ATOMA",
    "ATOMA_EMBEDDING",
    "ATOMA_LISTINGS",
    "ATOMA_TEXT",
    "CHATS",
    "EMBEDDINGS",
    "EMISSARY",
    "EMISSARY_DEPLOYMENT",
    "EMISSARY_DEPLOYMENT_EMBEDDING",
    "EMISSARY_DEPLOYMENT_TEXT",
    "EMISSARY_EMBEDDING",
    "EMISSARY_LISTINGS",
    "EMISSARY_NATIVE",
    "EMISSARY_TEXT",
    "LISTINGS",
    "ORQ",
    "ORQ_EMBEDDING",
    "ORQ_LISTINGS",
    "ORQ_RERANK",
    "ORQ_TEXT",
    "TEXTS",
    "embedding_surface",
    "surface",
    "text_surface",
]
