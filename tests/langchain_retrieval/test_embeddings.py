"""LangChain's embeddings: what goes out, what comes back, what is refused before anything does."""

import asyncio
import copy
import pickle
import sys
import threading
import time

import httpx
import pytest
from langchain_core.exceptions import ModelError, ModelInvalidRequestError

from emissary_transport.errors import BadAnswer, ServiceError
from langchain_emissary import AtomaEmbeddings, EmissaryEmbeddings, OrqEmbeddings
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

CLASSES = {
    "orq": OrqEmbeddings,
    "atoma": AtomaEmbeddings,
    "emissary": EmissaryEmbeddings,
    "deployment": EmissaryEmbeddings,
}
TEXTS = [f"text number {number}" for number in range(7)]
every_service = pytest.mark.parametrize("service", PLAYED)


def embeddings(service, peer=None, **more):
    clients = (peer or Peer()).clients()
    return CLASSES[service](api_key=KEY, base_url=BASE, **PLAYED[service], **clients, **more)


@every_service
def test_documents_in_order(do, service):
    peer = Peer()
    assert do(embeddings(service, peer), "embed_documents", TEXTS) == [*map(vector_of, TEXTS)]
    assert {request.url.path for request in peer.requests} == {EMBEDDING_PATHS[service]}
    assert len(peer.requests) == -(-len(TEXTS) // MOST[service])
    header = "x-api-key" if service in {"emissary", "deployment"} else "authorization"
    assert all(KEY in request.headers[header] for request in peer.requests)


@every_service
def test_a_query(do, service):
    peer = Peer()
    assert do(embeddings(service, peer), "embed_query", "Prague") == vector_of("Prague")
    assert set(texts_in(peer.body)) == {"Prague"}


@every_service
def test_no_documents_no_request(do, service):
    peer = Peer()
    assert do(embeddings(service, peer), "embed_documents", []) == []
    assert peer.requests == []


@pytest.mark.parametrize(
    ("service", "more", "texts", "recorded"),
    [
        ("orq", {"encoding_format": "float", "dimensions": 3}, 2, "orq.router-embeddings.request"),
        ("atoma", {}, 1, "atoma.embeddings.request"),
        ("emissary", {}, 2, "emissary.embeddings.request-batch"),
        (
            "deployment",
            {"cosine": True, "manhattan": False, "euclidean": True},
            2,
            "emissary.deployment-embeddings.request",
        ),
    ],
)
def test_bodies_are_those_recorded(do, service, more, texts, recorded):
    body, peer = example(f"{recorded}.json"), Peer()
    given = {"model": body["model"]} if "model" in body else PLAYED[service]
    model = CLASSES[service](api_key=KEY, base_url=BASE, **peer.clients(), **more, **given)
    assert len(texts_in(body)) == texts
    do(model, "embed_documents", texts_in(body))
    assert peer.body == body


FIRST, SECOND = [0.125, -0.5, 0.25], [0.0625, 0.75, -0.125]


@pytest.mark.parametrize(
    ("service", "recorded", "vectors"),
    [
        ("orq", "orq.router-embeddings.response-float", [FIRST, SECOND]),
        ("orq", "orq.router-embeddings.response-base64", [FIRST]),
        ("atoma", "atoma.embeddings.response", [FIRST]),
        ("emissary", "emissary.embeddings.response-batch", [FIRST, SECOND]),
        ("deployment", "emissary.deployment-embeddings.response", [FIRST, [0.12, -0.48, 0.27]]),
    ],
)
def test_recorded_answers(do, service, recorded, vectors):
    answer = example(f"{recorded}.json")
    found = do(embeddings(service, Peer(answer)), "embeddings_of", TEXTS[: len(vectors)])
    assert [*found.vectors] == vectors
    assert found.raw == [answer]
    told = answer.get("usage")
    assert (found.usage and found.usage.input_tokens) == (told and told["prompt_tokens"])


def test_everything_orq_documents(do):
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
    do(embeddings("orq", peer, **given), "embed_query", "a")
    assert peer.body == {"model": PLAYED["orq"]["model"], "input": ["a"], **given}


def test_everything_atoma_documents(do):
    given = {"dimensions": 8, "encoding_format": "float", "user": "u-1"}
    peer = Peer()
    do(embeddings("atoma", peer, **given), "embed_query", "a")
    assert peer.body == {"model": PLAYED["atoma"]["model"], "input": "a", **given}


def test_a_call_wins_over_the_model(do):
    peer = Peer()
    model = embeddings("orq", peer, dimensions=8, user="u-1")
    do(model, "embed_query", "a", dimensions=2, user=None, extra_body={"new": 1}, model="other/m")
    assert peer.body == {"model": "other/m", "input": ["a"], "dimensions": 2, "new": 1}


def test_requests_of_the_size_that_is_asked_for(do):
    peer = Peer()
    model = embeddings("orq", peer, chunk_size=3, max_concurrency=1)
    do(model, "embed_documents", TEXTS)
    do(model, "embed_documents", TEXTS, chunk_size=5)
    assert [len(texts_in(body)) for body in peer.bodies] == [3, 3, 1, 5, 2]


def test_never_more_texts_than_the_service_takes(do):
    peer = Peer()
    do(embeddings("deployment", peer, chunk_size=50, max_concurrency=1), "embed_documents", TEXTS)
    assert [texts_in(body) for body in peer.bodies][-1] == [TEXTS[-1], TEXTS[-1]]


def test_several_requests_under_way_but_not_too_many(do):
    under_way, most, lock = 0, 0, threading.Lock()

    def slow(body):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.005)
        with lock:
            under_way -= 1
        return embedded(body)

    model = embeddings("atoma", Peer(slow), max_concurrency=3)
    assert do(model, "embed_documents", TEXTS * 3) == [*map(vector_of, TEXTS * 3)]
    assert most <= 3


def test_sync_requests_are_side_by_side():
    barrier = threading.Barrier(3)

    def answer(body):
        barrier.wait(5)
        return embedded(body)

    model = embeddings("atoma", Peer(answer), max_concurrency=3)
    assert len(model.embed_documents(TEXTS[:3])) == 3


def test_async_requests_are_side_by_side():
    waiting = []

    async def scenario():
        everyone = asyncio.Event()

        async def answer(request):
            waiting.append(request)
            if len(waiting) == 3:
                everyone.set()
            await asyncio.wait_for(everyone.wait(), 5)
            return httpx.Response(200, json={"data": [{"embedding": [1.0]}]})

        client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        model = AtomaEmbeddings(model="m", api_key=KEY, http_async_client=client, max_concurrency=3)
        return await model.aembed_documents(TEXTS[:3])

    assert asyncio.run(scenario()) == [[1.0]] * 3


@every_service
def test_a_failure_says_which_texts(do, service):
    peer = Peer(refusing(TEXTS[5]))
    model = embeddings(service, peer, chunk_size=3, max_concurrency=1)
    with pytest.raises(ModelInvalidRequestError) as caught:
        do(model, "embed_documents", TEXTS * 20)
    size = min(3, MOST[service])
    expected = tuple(range(5 // size * size, 5 // size * size + size))
    error = caught.value
    assert isinstance(error, ServiceError)
    assert error.texts == expected
    assert (error.status, error.code) == (400, "bad")
    assert f" of {len(TEXTS) * 20}, counted from 0" in str(error)
    assert TEXTS[5] not in str(error)
    assert len(peer.requests) == 5 // size + 1, "nothing is sent after a failure"
    assert pickle.loads(pickle.dumps(error)).texts == expected


def test_after_a_failure_little_is_sent(do):
    peer = Peer(refusing(TEXTS[0]))
    with pytest.raises(ModelError):
        do(embeddings("atoma", peer), "embed_documents", [TEXTS[0], *(TEXTS[1:] * 50)])
    assert len(peer.requests) <= 32


def test_a_retry_is_for_one_request(do):
    failed = []

    def once(body):
        if texts_in(body) == [TEXTS[2]] and not failed:
            failed.append(body)
            return httpx.Response(503)
        return embedded(body)

    peer = Peer(once)
    assert do(embeddings("atoma", peer), "embed_documents", TEXTS) == [*map(vector_of, TEXTS)]
    assert len(peer.requests) == len(TEXTS) + 1


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [{"embedding": [1.0]}],
        [{"embedding": [1.0]}, {"embedding": None}],
        [{"embedding": [1.0]}, {"embedding": []}],
        [{"embedding": [1.0]}, {"embedding": [None]}],
        [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}],
        [{"embedding": [1.0]}, {"embedding": "no base64!"}],
        [{"embedding": [1.0], "index": 0}, {"embedding": [1.0], "index": 0}],
        [{"embedding": [1.0], "index": 1}, {"embedding": [1.0], "index": 2}],
        [{"index": 0}, {"index": 1}],
        "data",
    ],
)
def test_unusable_answers(do, data):
    with pytest.raises(BadAnswer, match="Orq's embeddings sent an answer"):
        do(embeddings("orq", Peer({"data": data})), "embed_documents", TEXTS[:2])


def test_answers_in_another_order(do):
    data = [{"embedding": [2], "index": 1.0}, {"embedding": [1], "index": 0.0}]
    assert do(embeddings("orq", Peer({"data": data})), "embed_documents", TEXTS[:2]) == [
        [1.0],
        [2.0],
    ]


@every_service
def test_empty_texts_are_answered_with_zeros_and_not_sent(do, service):
    peer = Peer()
    model = embeddings(service, peer)
    zeros = [0.0] * len(vector_of("ab"))
    expected = [zeros, vector_of("ab"), zeros]
    assert do(model, "embed_documents", ["", "ab", ""]) == expected
    assert {text for body in peer.bodies for text in texts_in(body)} == {"ab"}


@every_service
def test_of_nothing_nothing_is_asked(do, service):
    peer = Peer()
    assert do(embeddings(service, peer), "embed_query", "") == []
    assert peer.requests == []


def test_zeros_are_as_long_as_vectors_are_to_be(do):
    assert do(embeddings("orq", Peer(), dimensions=3), "embed_query", "") == [0.0, 0.0, 0.0]


def test_a_failure_tells_the_place_among_all_texts_also_beside_empty_ones(do):
    model = embeddings("atoma", Peer(refusing("b")), max_retries=0)
    with pytest.raises(ServiceError) as told:
        do(model, "embed_documents", ["", "a", "", "b"])
    assert told.value.texts == (3,)


@every_service
@pytest.mark.parametrize(
    "texts",
    ["one text", b"bytes", {"a": "b"}, 7, None, ["a", None], [["a"]], ["\ud800"]],
)
def test_bad_texts_are_refused_before_anything_is_sent(do, service, texts):
    peer = Peer()
    with pytest.raises(ValueError, match=r"(?i)text"):
        do(embeddings(service, peer), "embed_documents", texts)
    assert peer.requests == []


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("orq", {"dimensions": 0}),
        ("orq", {"dimensions": -3}),
        ("orq", {"dimensions": 1.5}),
        ("orq", {"model": ""}),
        ("orq", {"model": " "}),
        ("orq", {"model": None}),
        ("orq", {"encoding_format": "int8"}),
        ("atoma", {"dimensions": 0}),
        ("atoma", {"chunk_size": 0}),
        ("atoma", {"max_concurrency": 0}),
        ("emissary", {"model": ""}),
        ("deployment", {"project_id": None}),
        ("emissary", {"cosine": True}),
        ("deployment", {"model": "m"}),
    ],
)
def test_bad_parameters_are_refused_at_once(service, given):
    with pytest.raises(
        ValueError, match=r"dimensions|model|encoding_format|least 1|project_id|cosine"
    ):
        CLASSES[service](**{"api_key": KEY, **PLAYED[service], **given})


@every_service
@pytest.mark.parametrize(
    "given", [{"dimensions": 0}, {"dimensions": True}, {"temperature": 0}, {"stop": ["a"]}]
)
def test_bad_options_are_refused_before_anything_is_sent(do, service, given):
    peer = Peer()
    with pytest.raises(ValueError, match=next(iter(given))):
        do(embeddings(service, peer), "embed_query", "a", **given)
    assert peer.requests == []


def test_emissary_documents_no_dimensions():
    with (
        pytest.warns(UserWarning, match="no field `dimensions`"),
        pytest.raises(ValueError, match="Emissary's embeddings documents no field 'dimensions'"),
    ):
        embeddings("emissary", dimensions=3)


def test_fields_of_ones_own(do):
    peer = Peer()
    with pytest.warns(UserWarning, match="no field `flavour`"):
        model = embeddings("emissary", peer, flavour="sweet")
    do(model, "embed_query", "a")
    assert peer.body["flavour"] == "sweet"


def test_a_deployment_from_the_environment(do, monkeypatch):
    monkeypatch.setenv("EMISSARY_API_KEY", "k")
    monkeypatch.setenv("EMISSARY_PROJECT_ID", "ms-9")
    monkeypatch.setenv("EMISSARY_DEPLOYMENT_ID", "dp-9")
    peer = Peer()
    do(EmissaryEmbeddings(**peer.clients()), "embed_query", "a")
    assert "/ms-9/deployments/dp-9/" in str(peer.requests[0].url)


def test_scores_of_a_pair(do):
    answer = example("emissary.deployment-embeddings.response.json")
    found = do(embeddings("deployment", Peer(answer), cosine=True), "embeddings_of", ["a", "b"])
    assert found.raw[0]["response"]["cosine_score"] == 0.9986


@every_service
def test_no_secrets_and_copies_work(do, service):
    peer = Peer()
    model = embeddings(service, peer)
    assert KEY not in repr(model) + str(model) + model.model_dump_json()
    assert do(copy.deepcopy(model), "embed_query", "a") == vector_of("a")
    alone = CLASSES[service](api_key=KEY, **PLAYED[service])
    assert pickle.loads(pickle.dumps(alone)).api_key.get_secret_value() == KEY


def test_a_bar_for_long_lists(do, capsys):
    do(embeddings("atoma", show_progress_bar=True), "embed_documents", TEXTS)
    assert "7/7" in capsys.readouterr().err


def test_a_bar_needs_tqdm(do, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    peer = Peer()
    with pytest.raises(ImportError, match="pip install tqdm"):
        do(embeddings("atoma", peer, show_progress_bar=True), "embed_documents", TEXTS)
    assert peer.requests == []


def test_no_key():
    with pytest.raises(ValueError, match="ORQ_API_KEY"):
        OrqEmbeddings(model="m")
