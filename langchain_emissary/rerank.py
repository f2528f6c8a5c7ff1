"""`OrqRerank`: documents by how well they fit a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import model_validator
from typing_extensions import Self

from emissary_transport.inquiry import Inquiry, Ranking
from emissary_transport.question import Question, question
from emissary_transport.ranking import in_order, ranking_inquiry
from emissary_transport.service import Service
from emissary_transport.services import ORQ_RERANK
from langchain_emissary.errors import langchain_errors
from langchain_emissary.routed import ROUTING, Routed


class OrqRerank(Routed, BaseDocumentCompressor):
    """Order documents by how well they fit a query, with any provider's model through Orq.

    Documents come back best first, with `relevance_score` from 0 to 1 in their metadata. No
    documents are ranked without a request.

    Example:
        ```python
        from langchain_classic.retrievers import ContextualCompressionRetriever
        from langchain_emissary import OrqRerank

        rerank = OrqRerank(model="cohere/rerank-multilingual-v3.0", top_n=3)  # key: ORQ_API_KEY
        retriever = ContextualCompressionRetriever(
            base_compressor=rerank, base_retriever=vector_store.as_retriever()
        )
        ```
    """

    service: ClassVar[Service] = ORQ_RERANK
    documented: ClassVar[tuple[str, ...]] = (
        "top_n",
        "return_documents",
        "filename",
        "plugins",
        *ROUTING,
    )

    model: str
    """`provider/model`; also `model_name`."""
    top_n: int | None = None
    """How many documents to keep; None keeps all."""
    return_documents: bool | None = None
    """Let the service send the texts back; see `rerank`."""
    filename: str | None = None
    """The name of the file that the documents come from."""
    plugins: list[dict[str, Any]] | None = None
    """`[{"id": ...}]`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        question(self.service, self._given({}))
        return self

    def rerank(
        self, documents: Sequence[Any], query: str, *, top_n: int | None = None, **kwargs: Any
    ) -> Ranking:
        """How the documents rank, best first, with everything that the service says.

        Args:
            documents: Documents, texts, or mappings of texts.
            query: What they should fit.
            top_n: How many to keep, over the model's own.
            **kwargs: Any other field, over the model's own.

        Raises:
            ModelError: The service gave no usable answer.
            ValueError: The query is empty, or a document is no text; nothing was sent.
        """
        what, asked = self._asked(documents, query, top_n, kwargs)
        if not documents:
            return Ranking(())
        with langchain_errors():
            return self._client(what).ask(asked)

    async def arerank(
        self, documents: Sequence[Any], query: str, *, top_n: int | None = None, **kwargs: Any
    ) -> Ranking:
        """How the documents rank, best first; see `rerank`."""
        what, asked = self._asked(documents, query, top_n, kwargs)
        if not documents:
            return Ranking(())
        with langchain_errors():
            return await self._async_client(what).ask(asked)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The documents that fit the query best, best first."""
        return _scored(self.rerank(documents, query), documents)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The documents that fit the query best, best first."""
        return _scored(await self.arerank(documents, query), documents)

    def _asked(
        self, documents: Sequence[Any], query: str, top_n: int | None, options: Mapping[str, Any]
    ) -> tuple[Question, Inquiry[Ranking]]:
        given = self._given(options if top_n is None else {**options, "top_n": top_n})
        what = question(self.service, given, self._settings_of)
        is_list = isinstance(documents, Sequence) and not isinstance(documents, (str, bytes))
        texts = [_text(document) for document in documents] if is_list else documents
        return what, ranking_inquiry(what, query, texts)


def _text(document: Any) -> Any:
    return document.page_content if isinstance(document, Document) else document


def _scored(ranking: Ranking, documents: Sequence[Document]) -> list[Document]:
    """Copies of the documents with their scores."""
    return [
        document.model_copy(update={"metadata": {**document.metadata, "relevance_score": score}})
        for document, score in in_order(ranking, documents)
    ]
