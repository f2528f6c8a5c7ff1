"""LangChain's reranking: `OrqRerank`."""

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.exceptions import ModelRateLimitError

from emissary_transport.errors import BadAnswer
from langchain_emissary import OrqRerank
from langchain_retrieval.retrieval_peer import BASE, KEY, Peer, example

REQUEST = example("orq.router-rerank.request.json")
DOCUMENTS = [
    Document(text, id=f"d{n}", metadata={"n": n}) for n, text in enumerate(REQUEST["documents"])
]
both_shapes = pytest.mark.parametrize("shape", ["seed", "current"])


def rerank(peer, **more):
    given = {"model": REQUEST["model"], "api_key": KEY, "base_url": BASE, **more}
    return OrqRerank(**given, **peer.clients())


def answer(shape="current"):
    return example(f"orq.router-rerank.response-{shape}.json")


@both_shapes
def test_documents_best_first_with_scores(do, shape):
    peer = Peer(answer(shape))
    ranked = do(
        rerank(peer, top_n=1, return_documents=True),
        "compress_documents",
        DOCUMENTS,
        REQUEST["query"],
    )
    expected = {"n": 1, "relevance_score": 0.98}
    assert ranked == [Document(REQUEST["documents"][1], id="d1", metadata=expected)]
    assert DOCUMENTS[1].metadata == {"n": 1}, "the caller's documents stay as they were"
    assert peer.body == REQUEST
    assert peer.requests[0].url.path == "/v2/router/rerank"


@both_shapes
def test_everything_that_the_service_says(do, shape):
    found = do(rerank(Peer(answer(shape))), "rerank", REQUEST["documents"], REQUEST["query"])
    (best,) = found.results
    assert (best.index, best.score, best.text) == (1, 0.98, REQUEST["documents"][1])
    assert found.raw == answer(shape)
    assert (found.usage and found.usage.total_tokens) == (27 if shape == "current" else None)


def test_every_documented_field(do):
    given = {
        "top_n": 1,
        "return_documents": False,
        "filename": "rivers.md",
        "name": "trace",
        "fallbacks": [{"model": "a/b"}],
        "retry": {"count": 2},
        "cache": {"type": "exact_match"},
        "load_balancer": {"type": "weight_based", "models": []},
        "timeout": {"call_timeout": 5},
        "plugins": [{"id": "pii_redaction"}],
        "orq": {"name": "older"},
    }
    peer = Peer(answer())
    do(rerank(peer, **given), "compress_documents", DOCUMENTS, REQUEST["query"])
    said = {name: REQUEST[name] for name in ("model", "documents", "query")}
    assert peer.body == {**said, **given}


def test_no_documents_no_request(do):
    peer = Peer(answer())
    assert do(rerank(peer), "compress_documents", [], "a query") == []
    assert do(rerank(peer), "rerank", [], "a query").results == ()
    assert peer.requests == []


def test_more_wanted_than_there_are(do):
    peer = Peer(answer())
    do(rerank(peer), "rerank", REQUEST["documents"], "a query", top_n=50)
    assert peer.body["top_n"] == 2


def test_results_in_any_order(do):
    results = [{"index": 0.0, "relevance_score": 0}, {"index": 1.0, "relevance_score": 1}]
    found = do(rerank(Peer({"results": results})), "rerank", [{"a": "x"}, "y"], "q")
    assert [(each.index, each.score) for each in found.results] == [(1, 1.0), (0, 0.0)]


@pytest.mark.parametrize(
    "results",
    [
        [{"index": 2, "relevance_score": 1}],
        [{"index": -1, "relevance_score": 1}],
        [{"index": None, "relevance_score": 1}],
        [{"index": 0, "relevance_score": None}],
        [{"index": 0, "relevance_score": 1}, {"index": 0, "relevance_score": 1}],
        [{"relevance_score": 1}],
        "results",
    ],
)
def test_unusable_answers(do, results):
    with pytest.raises(BadAnswer):
        do(rerank(Peer({"results": results})), "rerank", ["a", "b"], "q")


@pytest.mark.parametrize(
    ("documents", "query", "options"),
    [
        (["a"], "", {}),
        (["a"], "  ", {}),
        (["a"], None, {}),
        ("a", "q", {}),
        ([1], "q", {}),
        ([{"a": 1}], "q", {}),
        (["a"], "q", {"top_n": 0}),
        (["a"], "q", {"top_n": 1.5}),
        (["a"], "q", {"model": ""}),
        (["a"], "q", {"dimensions": 3}),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(do, documents, query, options):
    peer = Peer(answer())
    with pytest.raises(ValueError, match=r"query|Document|top_n|model|dimensions"):
        do(rerank(peer), "rerank", documents, query, **options)
    assert peer.requests == []


@pytest.mark.parametrize("given", [{"top_n": 0}, {"top_n": -1}, {"model": ""}])
def test_bad_parameters_are_refused_at_once(given):
    with pytest.raises(ValueError, match=r"top_n|model"):
        rerank(Peer(), **given)


def test_errors_are_langchains(do):
    with pytest.raises(ModelRateLimitError):
        do(rerank(Peer(httpx.Response(429)), max_retries=0), "rerank", ["a"], "q")


def test_no_secrets():
    model = rerank(Peer())
    assert KEY not in repr(model) + model.model_dump_json()
