"""LlamaIndex's embeddings: batches, order, events, failures, copies."""

import asyncio
import copy
import pickle

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.embedding import EmbeddingEndEvent
from llama_index.core.storage.kvstore import SimpleKVStore

from emissary_transport.errors import BadAnswer, InvalidRequest
from langchain_retrieval.retrieval_peer import (
    BASE,
    EMBEDDING_PATHS,
    KEY,
    MOST,
    PLAYED,
    Peer,
    embedded,
    example,
    refusing,
    texts_in,
    vector_of,
)
from llamaindex_emissary import AtomaEmbedding, EmissaryEmbedding, OrqEmbedding

CLASSES = {
    "orq": OrqEmbedding,
    "atoma": AtomaEmbedding,
    "emissary": EmissaryEmbedding,
    "deployment": EmissaryEmbedding,
}
TEXTS = [f"text number {number}" for number in range(7)]
every_service = pytest.mark.parametrize("service", PLAYED)


def embedding(service, peer=None, **more):
    clients = (peer or Peer()).clients("async_http_client")
    given = {"api_key": KEY, "api_base": BASE, **PLAYED[service], **clients, **more}
    return CLASSES[service](**given)


@every_service
def test_texts_in_order(do, service):
    peer = Peer()
    model = embedding(service, peer)
    assert do(model, "get_text_embedding_batch", TEXTS) == [*map(vector_of, TEXTS)]
    assert {request.url.path for request in peer.requests} == {EMBEDDING_PATHS[service]}
    assert len(peer.requests) == -(-len(TEXTS) // MOST[service])


@every_service
@pytest.mark.parametrize("method", ["get_query_embedding", "get_text_embedding"])
def test_one_text(do, service, method):
    peer = Peer()
    assert do(embedding(service, peer), method, "Prague") == vector_of("Prague")
    assert set(texts_in(peer.body)) == {"Prague"}


@every_service
def test_no_texts_no_request(do, service):
    peer = Peer()
    assert do(embedding(service, peer), "get_text_embedding_batch", []) == []
    assert peer.requests == []


@pytest.mark.parametrize(
    ("service", "more", "recorded"),
    [
        ("orq", {"encoding_format": "float", "dimensions": 3}, "orq.router-embeddings.request"),
        ("atoma", {}, "atoma.embeddings.request"),
        ("emissary", {}, "emissary.embeddings.request-batch"),
        (
            "deployment",
            {"cosine": True, "manhattan": False, "euclidean": True},
            "emissary.deployment-embeddings.request",
        ),
    ],
)
def test_bodies_are_those_recorded(do, service, more, recorded):
    body, peer = example(f"{recorded}.json"), Peer()
    given = {**more, "model": body["model"]} if "model" in body else more
    do(embedding(service, peer, **given), "get_text_embedding_batch", texts_in(body))
    assert peer.body == body


def test_every_field_of_orq(do):
    given = {
        "dimensions": 8,
        "encoding_format": "base64",
        "user": "u-1",
        "name": "trace",
        "fallbacks": [{"model": "other/model"}],
        "retry": {"count": 2},
        "cache": {"type": "exact_match"},
        "load_balancer": {"type": "weight_based", "models": []},
        "timeout": {"call_timeout": 100},
        "orq": {"name": "older"},
    }
    peer = Peer()
    do(embedding("orq", peer, **given), "get_text_embedding", "a")
    assert peer.body == {"model": PLAYED["orq"]["model"], "input": ["a"], **given}


def test_more_fields_and_the_whole_answer(do):
    peer = Peer()
    model = embedding("orq", peer, additional_kwargs={"dimensions": 4, "new": 1}, user="u")
    found = do(model, "embeddings_of", ["a", "b"], user=None, extra_body={"newer": 2})
    assert peer.body == {
        "model": PLAYED["orq"]["model"],
        "input": ["a", "b"],
        "dimensions": 4,
        "new": 1,
        "newer": 2,
    }
    assert found.usage.total_tokens == 2
    assert found.raw[0]["model"] == "served"


class Heard(BaseEventHandler):
    events: list = []

    @classmethod
    def class_name(cls):
        return "Heard"

    def handle(self, event, **kwargs):
        self.events.append(event)


class Called(BaseCallbackHandler):
    def __init__(self):
        super().__init__([], [])
        self.ended = []

    def on_event_start(self, *args, **kwargs):
        return ""

    def on_event_end(self, event_type, payload=None, **kwargs):
        self.ended.append((event_type, payload))

    def start_trace(self, trace_id=None):
        pass

    def end_trace(self, trace_id=None, trace_map=None):
        pass


@every_service
def test_an_event_for_each_batch(do, service):
    heard, called = Heard(events=[]), Called()
    root = get_dispatcher()
    root.add_event_handler(heard)
    try:
        model = embedding(service, embed_batch_size=3, callback_manager=CallbackManager([called]))
        do(model, "get_text_embedding_batch", TEXTS)
    finally:
        root.event_handlers.remove(heard)
    ends = [event for event in heard.events if isinstance(event, EmbeddingEndEvent)]
    assert [event.chunks for event in ends] == [TEXTS[:3], TEXTS[3:6], TEXTS[6:]]
    assert [kind for kind, _ in called.ended] == [CBEventType.EMBEDDING] * 3
    assert KEY not in str(heard.events)


def test_requests_are_no_larger_than_a_batch(do):
    peer = Peer()
    model = embedding("orq", peer, embed_batch_size=3, num_workers=1)
    do(model, "get_text_embedding_batch", TEXTS)
    assert [len(texts_in(body)) for body in peer.bodies] == [3, 3, 1]


@pytest.mark.parametrize("workers", [1, 2, None])
def test_async_requests_keep_to_their_bound(workers):
    under_way, most = 0, 0

    async def scenario():
        nonlocal under_way, most

        async def answer(request):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return httpx.Response(200, json={"data": [{"embedding": [1.0]}]})

        client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        model = AtomaEmbedding(
            model="m",
            api_key=KEY,
            async_http_client=client,
            num_workers=workers,
            embed_batch_size=5,
        )
        return await model.aget_text_embedding_batch([f"text {n}" for n in range(60)])

    assert len(asyncio.run(scenario())) == 60
    assert most == (workers or 8)


@every_service
@pytest.mark.parametrize("repeated", [False, True])
def test_a_failure_says_which_texts(do, service, repeated):
    peer = Peer(refusing("the bad one"))
    texts = ["same"] * 40 if repeated else [f"text {number}" for number in range(40)]
    texts[17] = "the bad one"
    model = embedding(service, peer, embed_batch_size=5)
    with pytest.raises(InvalidRequest) as caught:
        do(model, "get_text_embedding_batch", texts)
    assert 17 in caught.value.texts
    assert len(caught.value.texts) == min(5, MOST[service])
    assert " of 40, counted from 0" in str(caught.value)
    assert "the bad one" not in str(caught.value)


def test_after_a_failure_the_rest_is_given_up():
    peer = Peer(refusing("text 0"))
    model = embedding("atoma", peer, embed_batch_size=5)

    async def scenario():
        with pytest.raises(InvalidRequest):
            await model.aget_text_embedding_batch([f"text {number}" for number in range(200)])
        await asyncio.sleep(0.05)

    asyncio.run(scenario())
    assert len(peer.requests) <= 32


@every_service
def test_progress(do, service, capsys):
    do(embedding(service), "get_text_embedding_batch", TEXTS, show_progress=True)
    assert "Generating embeddings" in capsys.readouterr().err


def test_a_cache_is_asked_first(do):
    peer = Peer()
    model = embedding("atoma", peer, embeddings_cache=SimpleKVStore())
    for _ in range(2):
        assert do(model, "get_text_embedding_batch", TEXTS) == [*map(vector_of, TEXTS)]
    assert len(peer.requests) == len(TEXTS)


@every_service
def test_empty_texts_are_answered_with_zeros_and_not_sent(do, service):
    peer = Peer()
    zeros = [0.0] * len(vector_of("ab"))
    expected = [zeros, vector_of("ab"), zeros]
    assert do(embedding(service, peer), "get_text_embedding_batch", ["", "ab", ""]) == expected


@every_service
@pytest.mark.parametrize("texts", ["one text", ["a", None], [["a"]], None, ["\ud800"]])
def test_bad_texts_are_refused_before_anything_is_sent(do, service, texts):
    peer = Peer()
    with pytest.raises(ValueError, match=r"(?i)text"):
        do(embedding(service, peer, embed_batch_size=1), "get_text_embedding_batch", texts)
    assert peer.requests == []


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("orq", {"model": ""}),
        ("orq", {"model": None}),
        ("atoma", {"model": ""}),
        ("atoma", {"num_workers": 0}),
        ("orq", {"embed_batch_size": 0}),
        ("orq", {"encoding_format": "int8"}),
        ("orq", {"flavour": "sweet"}),
    ],
)
def test_bad_parameters(service, given):
    with pytest.raises(ValueError, match=r"model|least 1|embed_batch_size|encoding_format|flavour"):
        embedding(service, **given)


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("orq", {"dimensions": 0}),
        ("atoma", {"dimensions": -1}),
        ("emissary", {"model": ""}),
        ("emissary", {"cosine": True}),
        ("deployment", {"project_id": None}),
        ("deployment", {"model": "m"}),
    ],
)
def test_what_cannot_be_asked_for_is_not(do, service, given):
    peer = Peer()
    with pytest.raises(ValueError, match=r"dimensions|model|cosine|project_id"):
        do(embedding(service, peer, **given), "get_query_embedding", "a")
    assert peer.requests == []


def test_unusable_answers(do):
    with pytest.raises(BadAnswer):
        do(embedding("orq", Peer({"data": [{"embedding": [None]}]})), "get_query_embedding", "a")


@every_service
def test_round_trips(do, service):
    model = embedding(service)
    assert KEY not in repr(model) + model.to_json() + str(model.to_payload())
    assert do(copy.deepcopy(model), "get_query_embedding", "a") == vector_of("a")
    again = CLASSES[service].from_dict(model.to_dict())
    assert again.to_dict() == model.to_dict()
    kept = pickle.loads(pickle.dumps(model))
    assert kept.to_dict() == model.to_dict()
    assert kept.api_key.get_secret_value() == KEY
    assert model.to_payload()["model_name"] == PLAYED[service].get("model", "dp-1")


def test_names_of_the_model():
    assert OrqEmbedding(model_name="a/b").model == "a/b"
    assert OrqEmbedding(model="a/b").model_name == "a/b"


def test_no_key_is_told_when_it_is_needed(do):
    with pytest.raises(ValueError, match="ORQ_API_KEY"):
        do(OrqEmbedding(model="a/b"), "get_query_embedding", "a")


def test_several_event_loops():
    peer = Peer(embedded)
    model = embedding("atoma", peer)
    for _ in range(3):
        assert asyncio.run(model.aget_text_embedding_batch(TEXTS)) == [*map(vector_of, TEXTS)]
