"""The one class that embeds; see `embeddings` for the three that users name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, ClassVar, TypeVar

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field, model_validator
from typing_extensions import Self

from emissary_transport.embedding import EmbeddingService, checked_texts
from emissary_transport.gathering import BOUND, aembed, embed, must_be_bound, shared_limiter
from emissary_transport.inquiry import Embeddings
from emissary_transport.question import Question, question
from llamaindex_emissary.embedding_run import current_run, run_of
from llamaindex_emissary.service_component import ARGUMENTS, ServiceComponent

F = TypeVar("F", bound=Callable[..., Any])
_HAS_SPAN = "__dispatcher_span_decorated__"
"""LlamaIndex's mark on a method that it has put a span around."""


def _without_span(method: F) -> F:
    """Keep LlamaIndex from putting a second span around a method whose original has one."""
    setattr(method, _HAS_SPAN, True)
    return method


class ServiceEmbedding(ServiceComponent, BaseEmbedding):
    """An embedding model of one of our services.

    `embed_batch_size` is how many texts LlamaIndex hands on at a time, and the most that go into a
    request, if the service takes so many; `num_workers` is how many requests may be under way at a
    time, 8 if not given. An empty text is answered with zeros, without a request. When a request
    fails, no further one is sent, and the error's `texts` tells which texts it was about.
    """

    embedding: ClassVar[EmbeddingService]
    arguments: ClassVar[Mapping[str, str]] = {
        **{name: field for name, field in ARGUMENTS.items() if field != "model"},
        "model": "model_name",
    }

    model_name: str = ""
    """What to ask; also `model`."""
    embed_batch_size: int = Field(default=32, gt=0, le=2048)
    """How many texts to hand on at a time."""

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        must_be_bound(self._bound())
        return self

    @property
    def model(self) -> str | None:
        """What to ask; the same as `model_name`."""
        return self.model_name or None

    def to_payload(self) -> dict[str, Any]:
        """What events tell of this model: nothing secret."""
        return {**super().to_payload(), "model_name": self._label()}

    # --- LlamaIndex's ways ---

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([query]).vectors[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return (await self._aembed([query])).vectors[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed([text]).vectors[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._aembed([text])).vectors[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [*self._embed(texts, **_in_run(texts)).vectors]

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        run, where = current_run(), _in_run(texts)
        with run.one() if run else nullcontext():
            return [*(await self._aembed(texts, **where)).vectors]

    @_without_span
    def get_text_embedding_batch(
        self, texts: list[str], show_progress: bool = False, **kwargs: Any
    ) -> list[list[float]]:
        """The vector of each text, batch by batch."""
        with run_of(checked_texts(texts)):
            return super().get_text_embedding_batch(texts, show_progress, **kwargs)

    @_without_span
    async def aget_text_embedding_batch(
        self, texts: list[str], show_progress: bool = False, **kwargs: Any
    ) -> list[list[float]]:
        """The vector of each text, batch by batch."""
        with run_of(checked_texts(texts)):
            return await super().aget_text_embedding_batch(texts, show_progress, **kwargs)

    # --- with everything that the service says ---

    def embeddings_of(self, texts: Iterable[str], **options: Any) -> Embeddings:
        """The vectors with the tokens used; `raw` lists the service's answers, one a request.

        Args:
            texts: What to embed.
            **options: Any other field, over the model's own.
        """
        return self._embed(texts, options)

    async def aembeddings_of(self, texts: Iterable[str], **options: Any) -> Embeddings:
        """The vectors with the tokens used; see `embeddings_of`."""
        return await self._aembed(texts, options)

    # --- how ---

    def _embed(
        self, texts: Iterable[str], options: Mapping[str, Any] | None = None, **where: Any
    ) -> Embeddings:
        embedding, what = self._asked(options or {})
        size, bound = self.embed_batch_size, self._bound()
        return embed(self._client(what), embedding, what, texts, size=size, bound=bound, **where)

    async def _aembed(
        self, texts: Iterable[str], options: Mapping[str, Any] | None = None, **where: Any
    ) -> Embeddings:
        embedding, what = self._asked(options or {})
        size, bound = self.embed_batch_size, self._bound()
        where["limiter"] = shared_limiter(self._get_connections(), bound)
        client = self._async_client(what)
        return await aembed(client, embedding, what, texts, size=size, bound=bound, **where)

    def _asked(self, options: Mapping[str, Any]) -> tuple[EmbeddingService, Question]:
        given = self._given(options)
        embedding = self._embedding_of(given)
        return embedding, question(embedding.service, given, self._settings_of)

    def _embedding_of(self, given: Mapping[str, Any]) -> EmbeddingService:
        """How the service that the parameters mean embeds."""
        return self.embedding

    def _bound(self) -> int:
        return BOUND if self.num_workers is None else self.num_workers


def _in_run(texts: list[str]) -> dict[str, Any]:
    """Where a batch stands in the list that it comes from."""
    run = current_run()
    places = run.places(texts) if run else None
    return {"places": places, "count": run.count} if run and places else {}
