"""`OrqRerank`: nodes by how well they fit a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from llama_index.core.bridge.pydantic import Field
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from emissary_transport.inquiry import Inquiry, Ranking
from emissary_transport.question import Question, question
from emissary_transport.ranking import in_order, ranking_inquiry
from emissary_transport.service import Service
from emissary_transport.services import ORQ_RERANK
from llamaindex_emissary.routed import ROUTING, Routed

dispatcher = get_dispatcher(__name__)


class OrqRerank(Routed, BaseNodePostprocessor):
    """Order nodes by how well they fit a query, with any provider's model through Orq.

    Nodes come back best first, with the new score; no nodes are ranked without a request.

    Example:
        ```python
        from llamaindex_emissary import OrqRerank

        rerank = OrqRerank(model="cohere/rerank-multilingual-v3.0", top_n=3)  # key: ORQ_API_KEY
        index.as_query_engine(similarity_top_k=20, node_postprocessors=[rerank])
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

    model: str = Field(min_length=1)
    """`provider/model`; also `model_name`."""
    top_n: int | None = Field(default=None, ge=1)
    """How many nodes to keep; None keeps all."""
    return_documents: bool | None = None
    """Let the service send the texts back; see `rerank`."""
    filename: str | None = None
    """The name of the file that the documents come from."""
    plugins: list[dict[str, Any]] | None = None
    """`[{"id": ...}]`."""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "OrqRerank"

    def rerank(self, documents: Sequence[Any], query: str, **options: Any) -> Ranking:
        """How the documents rank, best first, with everything that the service says.

        Args:
            documents: Texts, or mappings of texts.
            query: What they should fit.
            **options: Any field, over the component's own.

        Raises:
            ServiceError: The service gave no usable answer.
            ValueError: The query is empty, or a document is no text; nothing was sent.
        """
        what, asked = self._asked(documents, query, options)
        return self._client(what).ask(asked) if documents else Ranking(())

    async def arerank(self, documents: Sequence[Any], query: str, **options: Any) -> Ranking:
        """How the documents rank, best first; see `rerank`."""
        what, asked = self._asked(documents, query, options)
        return await self._async_client(what).ask(asked) if documents else Ranking(())

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = self._begun(nodes, query_bundle)
        if not nodes:
            return []
        with self.callback_manager.event(
            CBEventType.RERANKING, payload=self._payload(nodes, query)
        ) as event:
            ranked = _scored(self.rerank(_texts(nodes), query), nodes)
            event.on_end(payload={EventPayload.NODES: ranked})
        dispatcher.event(ReRankEndEvent(nodes=ranked))
        return ranked

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = self._begun(nodes, query_bundle)
        if not nodes:
            return []
        with self.callback_manager.event(
            CBEventType.RERANKING, payload=self._payload(nodes, query)
        ) as event:
            ranked = _scored(await self.arerank(_texts(nodes), query), nodes)
            event.on_end(payload={EventPayload.NODES: ranked})
        dispatcher.event(ReRankEndEvent(nodes=ranked))
        return ranked

    def _begun(self, nodes: list[NodeWithScore], bundle: QueryBundle | None) -> str:
        """The query, once LlamaIndex is told that nodes are ranked by it.

        Raises:
            ValueError: There is no query to rank by.
        """
        if bundle is None:
            raise ValueError("Reranking needs a query: pass query_str=... or query_bundle=....")
        if nodes:
            top_n = min(self.top_n or len(nodes), len(nodes))
            started = ReRankStartEvent(
                query=bundle, nodes=nodes, top_n=top_n, model_name=self.model
            )
            dispatcher.event(started)
        return bundle.query_str

    def _payload(self, nodes: list[NodeWithScore], query: str) -> dict[str, Any]:
        return {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: self.model,
            EventPayload.QUERY_STR: query,
            EventPayload.TOP_K: self.top_n,
        }

    def _asked(
        self, documents: Sequence[Any], query: str, options: Mapping[str, Any]
    ) -> tuple[Question, Inquiry[Ranking]]:
        what = question(self.service, self._given(options), self._settings_of)
        return what, ranking_inquiry(what, query, documents)


def _texts(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [each.node.get_content(metadata_mode=MetadataMode.EMBED) for each in nodes]


def _scored(ranking: Ranking, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    """The nodes with their new scores."""
    return [NodeWithScore(node=each.node, score=score) for each, score in in_order(ranking, nodes)]
