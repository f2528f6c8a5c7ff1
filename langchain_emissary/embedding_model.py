"""The one class that embeds; see `embeddings` for the three that users name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from langchain_core.embeddings import Embeddings
from pydantic import model_validator
from typing_extensions import Self

from emissary_transport import inquiry
from emissary_transport.embedding import Batch, EmbeddingService, checked_texts
from emissary_transport.gathering import BOUND, aembed, embed, must_be_bound
from emissary_transport.question import Question, question
from langchain_emissary.errors import langchain_errors
from langchain_emissary.service_model import ServiceModel

Done = Callable[[Batch], None]


class ServiceEmbeddings(ServiceModel, Embeddings):
    """An embedding model of one of our services.

    Texts go out in as many requests as the service needs, several at a time, and vectors come back
    in the order of the texts. An empty list is answered without a request, and so is an empty text,
    with zeros. When a request fails, no further one is sent, and the error's `texts` tells which
    texts it was about.
    """

    embedding: ClassVar[EmbeddingService]

    chunk_size: int | None = None
    """Most texts to put into a request, if the service takes so many; None means its usual."""
    max_concurrency: int = BOUND
    """How many requests may be under way at a time."""
    show_progress_bar: bool = False
    """Show how many texts are done while documents are embedded; needs tqdm."""

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        self.embedding.batch_size(self.chunk_size)
        must_be_bound(self.max_concurrency)
        given = self._given({})
        question(self._embedding_of(given).service, given)
        return self

    def _embedding_of(self, given: Mapping[str, Any]) -> EmbeddingService:
        """How the service that the parameters mean embeds."""
        return self.embedding

    # --- LangChain's four ways ---

    def embed_documents(
        self, texts: list[str], chunk_size: int | None = None, **kwargs: Any
    ) -> list[list[float]]:
        """The vector of each text.

        Args:
            texts: What to embed.
            chunk_size: Most texts to put into a request, over the model's own.
            **kwargs: Any other field, over the model's own.
        """
        with self._progress(texts) as done:
            return [*self._embed(texts, chunk_size, kwargs, done).vectors]

    async def aembed_documents(
        self, texts: list[str], chunk_size: int | None = None, **kwargs: Any
    ) -> list[list[float]]:
        """The vector of each text; see `embed_documents`."""
        with self._progress(texts) as done:
            return [*(await self._aembed(texts, chunk_size, kwargs, done)).vectors]

    def embed_query(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return self._embed([text], None, kwargs, None).vectors[0]

    async def aembed_query(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return (await self._aembed([text], None, kwargs, None)).vectors[0]

    # --- with everything that the service says ---

    def embeddings_of(
        self, texts: Iterable[str], chunk_size: int | None = None, **kwargs: Any
    ) -> inquiry.Embeddings:
        """The vectors with the tokens used; `raw` lists the service's answers, one a request."""
        return self._embed(texts, chunk_size, kwargs, None)

    async def aembeddings_of(
        self, texts: Iterable[str], chunk_size: int | None = None, **kwargs: Any
    ) -> inquiry.Embeddings:
        """The vectors with the tokens used; see `embeddings_of`."""
        return await self._aembed(texts, chunk_size, kwargs, None)

    # --- how ---

    def _embed(
        self, texts: Iterable[str], size: int | None, options: Any, done: Done | None
    ) -> inquiry.Embeddings:
        embedding, what = self._asked(options)
        how = self._how(size, done)
        with langchain_errors():
            return embed(self._client(what), embedding, what, texts, **how)

    async def _aembed(
        self, texts: Iterable[str], size: int | None, options: Any, done: Done | None
    ) -> inquiry.Embeddings:
        embedding, what = self._asked(options)
        how = self._how(size, done)
        with langchain_errors():
            return await aembed(self._async_client(what), embedding, what, texts, **how)

    def _asked(self, options: Mapping[str, Any]) -> tuple[EmbeddingService, Question]:
        given = self._given(options)
        embedding = self._embedding_of(given)
        return embedding, question(embedding.service, given, self._settings_of)

    def _how(self, size: int | None, done: Done | None) -> dict[str, Any]:
        own = self.chunk_size if size is None else size
        return {"size": own, "bound": self.max_concurrency, "done": done}

    @contextmanager
    def _progress(self, texts: Any) -> Iterator[Done | None]:
        """What to tell of the batches that are done, if a bar is wanted.

        Raises:
            ImportError: One is wanted, and tqdm is not installed.
        """
        if not self.show_progress_bar or not texts:
            yield None
            return
        try:
            tqdm = importlib.import_module("tqdm.auto").tqdm
        except ImportError as missing:
            raise ImportError(
                "show_progress_bar=True needs tqdm: pip install tqdm", name="tqdm"
            ) from missing
        with tqdm(total=len(checked_texts(texts)), desc="Embedding", unit="text") as bar:
            yield lambda batch: bar.update(len(batch.texts)) and None
