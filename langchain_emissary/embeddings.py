"""`EmissaryEmbeddings`, `OrqEmbeddings` and `AtomaEmbeddings`: what each service documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from emissary_transport.embedding import EmbeddingService
from emissary_transport.service import Service
from emissary_transport.services import (
    ATOMA_EMBEDDING,
    EMISSARY_EMBEDDING,
    ORQ_EMBEDDING,
    embedding_surface,
)
from langchain_emissary.deployed import Deployed
from langchain_emissary.embedding_model import ServiceEmbeddings
from langchain_emissary.routed import ROUTING, Routed


class EmissaryEmbeddings(ServiceEmbeddings, Deployed):
    """Embed with a model deployed on Emissary.

    `EmissaryEmbeddings(model=...)` speaks the current API and
    `EmissaryEmbeddings(project_id=..., deployment_id=...)` the deployment API, which compares two
    sentences: texts go out in pairs, and a single one is compared with itself. The scores that
    `cosine`, `manhattan` and `euclidean` ask for stand in `embeddings_of([one, other]).raw`.

    Example:
        ```python
        from langchain_emissary import EmissaryEmbeddings

        embeddings = EmissaryEmbeddings(model="search-checkpoint-1")  # key: EMISSARY_API_KEY
        embeddings.embed_documents(["Prague lies on the Vltava.", "Brno lies on the Svratka."])
        ```
    """

    service: ClassVar[Service] = EMISSARY_EMBEDDING.service
    embedding: ClassVar[EmbeddingService] = EMISSARY_EMBEDDING
    documented: ClassVar[tuple[str, ...]] = (
        "project_id",
        "deployment_id",
        "cosine",
        "manhattan",
        "euclidean",
    )

    cosine: bool | None = None
    """Tell the cosine of each pair too (deployment API)."""
    manhattan: bool | None = None
    """Tell the Manhattan distance of each pair too (deployment API)."""
    euclidean: bool | None = None
    """Tell the Euclidean distance of each pair too (deployment API)."""

    def _embedding_of(self, given: Mapping[str, Any]) -> EmbeddingService:
        return embedding_surface(given)


class OrqEmbeddings(ServiceEmbeddings, Routed):
    """Embed with any provider's model through Orq's router.

    A `cache` or `timeout` that is a dict is Orq's (also `router_cache`, `router_timeout`).

    Example:
        ```python
        from langchain_emissary import OrqEmbeddings

        embeddings = OrqEmbeddings(model="openai/text-embedding-3-small", dimensions=256)
        embeddings.embed_query("Which river flows through Prague?")  # key from ORQ_API_KEY
        ```
    """

    service: ClassVar[Service] = ORQ_EMBEDDING.service
    embedding: ClassVar[EmbeddingService] = ORQ_EMBEDDING
    documented: ClassVar[tuple[str, ...]] = ("dimensions", "encoding_format", "user", *ROUTING)

    model: str
    """`provider/model`; also `model_name`."""
    dimensions: int | None = None
    """How long the vectors are to be, where the model can be told."""
    encoding_format: Literal["float", "base64"] | None = None
    """How vectors go over the wire; base64 is shorter."""
    user: str | None = None
    """An id for your user."""


class AtomaEmbeddings(ServiceEmbeddings):
    """Embed with a model on Atoma's decentralised network.

    Atoma takes one text a request, so many are sent side by side; see `max_concurrency`.

    Example:
        ```python
        from langchain_emissary import AtomaEmbeddings

        embeddings = AtomaEmbeddings(model="intfloat/multilingual-e5-large-instruct")
        embeddings.embed_query("Which river flows through Prague?")  # key from ATOMA_API_KEY
        ```
    """

    service: ClassVar[Service] = ATOMA_EMBEDDING.service
    embedding: ClassVar[EmbeddingService] = ATOMA_EMBEDDING
    documented: ClassVar[tuple[str, ...]] = ("dimensions", "encoding_format", "user")

    model: str
    """`org/name`, as on Hugging Face; also `model_name`."""
    dimensions: int | None = None
    """How long the vectors are to be, where the model can be told."""
    encoding_format: str | None = None
    """How vectors go over the wire: `float`."""
    user: str | None = None
    """An id for your user."""
