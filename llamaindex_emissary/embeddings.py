"""`EmissaryEmbedding`, `OrqEmbedding` and `AtomaEmbedding`: what each service documents."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from llama_index.core.bridge.pydantic import Field, model_validator
from typing_extensions import Self

from emissary_transport.embedding import EmbeddingService
from emissary_transport.service import Service
from emissary_transport.services import (
    ATOMA_EMBEDDING,
    EMISSARY_EMBEDDING,
    ORQ_EMBEDDING,
    embedding_surface,
)
from llamaindex_emissary.embedding_model import ServiceEmbedding
from llamaindex_emissary.routed import ROUTING, Routed


class EmissaryEmbedding(ServiceEmbedding):
    """Embed with a model deployed on Emissary.

    `EmissaryEmbedding(model=...)` speaks the current API and
    `EmissaryEmbedding(project_id=..., deployment_id=...)` the deployment API, which compares two
    sentences: texts go out in pairs, and a single one is compared with itself. The scores that
    `cosine`, `manhattan` and `euclidean` ask for stand in `embeddings_of([one, other]).raw`.

    Example:
        ```python
        from llamaindex_emissary import EmissaryEmbedding

        embed_model = EmissaryEmbedding(model="search-checkpoint-1")  # key: EMISSARY_API_KEY
        embed_model.get_text_embedding_batch(["Prague lies on the Vltava.", "Brno does not."])
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

    project_id: str | None = None
    """The project of the deployment."""
    deployment_id: str | None = None
    """The deployment to ask by the deployment API."""
    cosine: bool | None = None
    """Tell the cosine of each pair too (deployment API)."""
    manhattan: bool | None = None
    """Tell the Manhattan distance of each pair too (deployment API)."""
    euclidean: bool | None = None
    """Tell the Euclidean distance of each pair too (deployment API)."""

    @model_validator(mode="after")
    def _find_deployment(self) -> Self:
        if self.model is None:
            self.project_id = self.project_id or os.environ.get("EMISSARY_PROJECT_ID")
            self.deployment_id = self.deployment_id or os.environ.get("EMISSARY_DEPLOYMENT_ID")
        return self

    def _embedding_of(self, given: Mapping[str, Any]) -> EmbeddingService:
        return embedding_surface(given)

    def _label(self) -> str:
        return self.model or self.deployment_id or ""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "EmissaryEmbedding"


class OrqEmbedding(ServiceEmbedding, Routed):
    """Embed with any provider's model through Orq's router.

    A `timeout` that is a dict is Orq's own (also `router_timeout`).

    Example:
        ```python
        from llamaindex_emissary import OrqEmbedding

        embed_model = OrqEmbedding(model="openai/text-embedding-3-small", dimensions=256)
        embed_model.get_query_embedding("Which river flows through Prague?")  # ORQ_API_KEY
        ```
    """

    service: ClassVar[Service] = ORQ_EMBEDDING.service
    embedding: ClassVar[EmbeddingService] = ORQ_EMBEDDING
    documented: ClassVar[tuple[str, ...]] = ("dimensions", "encoding_format", "user", *ROUTING)

    model_name: str = Field(min_length=1)
    """`provider/model`; also `model`."""
    embed_batch_size: int = Field(default=ORQ_EMBEDDING.texts, gt=0, le=2048)
    """How many texts to put into a request."""
    dimensions: int | None = None
    """How long the vectors are to be, where the model can be told."""
    encoding_format: Literal["float", "base64"] | None = None
    """How vectors go over the wire; base64 is shorter."""
    user: str | None = None
    """An id for your user."""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "OrqEmbedding"


class AtomaEmbedding(ServiceEmbedding):
    """Embed with a model on Atoma's decentralised network.

    Atoma takes one text a request, so many are sent side by side; see `num_workers`.

    Example:
        ```python
        from llamaindex_emissary import AtomaEmbedding

        embed_model = AtomaEmbedding(model="intfloat/multilingual-e5-large-instruct")
        embed_model.get_query_embedding("Which river flows through Prague?")  # ATOMA_API_KEY
        ```
    """

    service: ClassVar[Service] = ATOMA_EMBEDDING.service
    embedding: ClassVar[EmbeddingService] = ATOMA_EMBEDDING
    documented: ClassVar[tuple[str, ...]] = ("dimensions", "encoding_format", "user")

    model_name: str = Field(min_length=1)
    """`org/name`, as on Hugging Face; also `model`."""
    embed_batch_size: int = Field(default=64, gt=0, le=2048)
    """How many texts to hand on at a time; each goes out in a request of its own."""
    dimensions: int | None = None
    """How long the vectors are to be, where the model can be told."""
    encoding_format: str | None = None
    """How vectors go over the wire: `float`."""
    user: str | None = None
    """An id for your user."""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "AtomaEmbedding"
