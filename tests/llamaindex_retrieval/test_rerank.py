"""LlamaIndex's reranking: `OrqRerank`."""

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from emissary_transport.errors import BadAnswer, RateLimited
from langchain_retrieval.retrieval_peer import BASE, KEY, Peer, example
from llamaindex_emissary import OrqRerank
from llamaindex_retrieval.test_embeddings import Called

REQUEST = example("orq.router-rerank.request.json")
NODES = [
    NodeWithScore(node=TextNode(text=text, id_=f"n{place}"), score=0.5)
    for place, text in enumerate(REQUEST["documents"])
]


def answer(shape="current"):
    return example(f"orq.router-rerank.response-{shape}.json")


def rerank(peer, **more):
    given = {"model": REQUEST["model"], "api_key": KEY, "api_base": BASE, **more}
    return OrqRerank(**given, **peer.clients("async_http_client"))


@pytest.mark.parametrize("shape", ["seed", "current"])
@pytest.mark.parametrize("query", ["query_str", "query_bundle"])
def test_nodes_best_first(do, shape, query):
    peer = Peer(answer(shape))
    asked = REQUEST["query"] if query == "query_str" else QueryBundle(REQUEST["query"])
    model = rerank(peer, top_n=1, return_documents=True)
    (best,) = do(model, "postprocess_nodes", NODES, **{query: asked})
    assert (best.node.node_id, best.score) == ("n1", 0.98)
    assert NODES[1].score == 0.5
    assert peer.body == REQUEST


class Heard(BaseEventHandler):
    events: list = []

    @classmethod
    def class_name(cls):
        return "Heard"

    def handle(self, event, **kwargs):
        self.events.append(event)


def test_events(do):
    heard, called = Heard(events=[]), Called()
    root = get_dispatcher()
    root.add_event_handler(heard)
    try:
        model = rerank(Peer(answer()), callback_manager=CallbackManager([called]))
        do(model, "postprocess_nodes", NODES, query_str="a river")
    finally:
        root.event_handlers.remove(heard)
    start, end = heard.events[-2:]
    assert isinstance(start, ReRankStartEvent)
    assert isinstance(end, ReRankEndEvent)
    assert (start.top_n, start.model_name) == (2, REQUEST["model"])
    assert [each.node.node_id for each in end.nodes] == ["n1"]
    assert [kind for kind, _ in called.ended] == [CBEventType.RERANKING]


def test_no_nodes_no_request(do):
    peer = Peer(answer())
    assert do(rerank(peer), "postprocess_nodes", [], query_str="a river") == []
    assert peer.requests == []


@pytest.mark.parametrize("query", [{}, {"query_str": ""}])
def test_no_query_is_refused(do, query):
    peer = Peer(answer())
    with pytest.raises(ValueError, match="query"):
        do(rerank(peer), "postprocess_nodes", NODES, **query)
    assert peer.requests == []


@pytest.mark.parametrize("given", [{"top_n": 0}, {"model": ""}, {"flavour": 1}])
def test_bad_parameters(given):
    with pytest.raises(ValueError, match=r"top_n|model|flavour"):
        rerank(Peer(), **given)


def test_everything_that_the_service_says(do):
    found = do(rerank(Peer(answer())), "rerank", ["a", "b"], "q", top_n=1)
    assert (found.results[0].index, found.usage.total_tokens) == (1, 27)
    assert found.raw == answer()


def test_errors(do):
    with pytest.raises(RateLimited):
        do(rerank(Peer(httpx.Response(429)), max_retries=0), "rerank", ["a"], "q")
    with pytest.raises(BadAnswer):
        do(rerank(Peer({"results": [{"index": 9, "relevance_score": 1}]})), "rerank", ["a"], "q")


def test_round_trips():
    model = rerank(Peer(), top_n=2)
    assert KEY not in repr(model) + model.to_json()
    assert OrqRerank.from_dict(model.to_dict()).to_dict() == model.to_dict()
