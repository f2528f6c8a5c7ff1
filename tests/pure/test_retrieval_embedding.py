"""Texts into requests and answers into vectors, without anything being sent."""

import json
from pathlib import Path

import pytest

from emissary_transport import Settings
from emissary_transport.embedding import batches, checked_texts, joined, vector
from emissary_transport.errors import BadAnswer, RateLimited
from emissary_transport.inquiry import Embeddings
from emissary_transport.question import question
from emissary_transport.services import (
    ATOMA_EMBEDDING,
    EMBEDDINGS,
    EMISSARY_DEPLOYMENT_EMBEDDING,
    EMISSARY_EMBEDDING,
    ORQ_EMBEDDING,
    ORQ_RERANK,
    embedding_surface,
)
from emissary_transport.types import Usage

WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
KEY = {"api_key": "k"}
GIVEN = {
    "orq": (ORQ_EMBEDDING, {"model": "a/b"}),
    "atoma": (ATOMA_EMBEDDING, {"model": "m"}),
    "emissary": (EMISSARY_EMBEDDING, {"model": "m"}),
    "deployment": (EMISSARY_DEPLOYMENT_EMBEDDING, {"project_id": "a b", "deployment_id": "d/1"}),
}


def asked(embedding, **given):
    return question(embedding.service, {**KEY, **given})


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("orq", None, [{"input": ["a", "b", "c"]}]),
        ("orq", 2, [{"input": ["a", "b"]}, {"input": ["c"]}]),
        ("atoma", None, [{"input": "a"}, {"input": "b"}, {"input": "c"}]),
        ("atoma", 100, [{"input": "a"}, {"input": "b"}, {"input": "c"}]),
        ("emissary", None, [{"input": ["a", "b", "c"]}]),
        (
            "deployment",
            None,
            [
                {"source_sentence": "a", "target_sentence": "b"},
                {"source_sentence": "c", "target_sentence": "c"},
            ],
        ),
        ("deployment", 1, [{"source_sentence": t, "target_sentence": t} for t in "abc"]),
    ],
)
def test_what_requests_say(name, size, said):
    embedding, given = GIVEN[name]
    sent = [
        each.inquiry.body for each in batches(embedding, asked(embedding, **given), "abc", size)
    ]
    model = {"model": given["model"]} if "model" in given else {}
    assert sent == [{**model, **each} for each in said]


def test_ids_are_a_part_of_the_path():
    embedding, given = GIVEN["deployment"]
    url = asked(embedding, **given).url
    assert url.endswith("/v1/projects/a%20b/deployments/d%2F1/embeddings")


def test_a_base_url_with_its_version():
    for base in ("https://x.test/v2/router", "https://x.test", "https://x.test/v3/router/"):
        url = asked(ORQ_EMBEDDING, model="m", base_url=base).url
        assert url.startswith("https://x.test/v")
        assert url.endswith("/router/embeddings")


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_every_service_reads_what_fits_the_texts(embedding):
    given = next(given for each, given in GIVEN.values() if each is embedding)
    (batch,) = batches(embedding, asked(embedding, **given), ["a"])
    both = {
        "data": [{"embedding": [1, 2]}],
        "response": {"embeddings": {"text1": [1, 2], "text2": [3, 4]}},
    }
    assert batch.inquiry.answer(json.dumps(both).encode()).vectors == ([1.0, 2.0],)
    assert all(type(number) is float for number in batch.inquiry.read(both).vectors[0])


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"null", b"7", b'{"data": 7}', b"{}"])
def test_unusable_bodies(body):
    (batch,) = batches(ORQ_EMBEDDING, asked(ORQ_EMBEDDING, model="m"), ["a"])
    with pytest.raises(BadAnswer):
        batch.inquiry.answer(body)


def test_an_error_that_came_with_success():
    (batch,) = batches(ORQ_EMBEDDING, asked(ORQ_EMBEDDING, model="m"), ["a"])
    with pytest.raises(RateLimited):
        batch.inquiry.answer(b'{"error": {"code": "rate_limit_exceeded", "message": "slow"}}')


@pytest.mark.parametrize("told", [[], "", "AAA", "AAAA", [None], [[1]], None, 7, ["x"]])
def test_what_is_no_vector(told):
    with pytest.raises((TypeError, ValueError)):
        vector(told)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none(number):
    with pytest.raises(ValueError, match="no number"):
        vector([1.0, number])


def test_base64_is_little_endian():
    assert vector("AAAAPgAAAL8AAIA+") == [0.125, -0.5, 0.25]


def test_parts_joined():
    parts = [
        Embeddings(([1.0],), Usage(1, 0, 1), {"n": 1}),
        Embeddings(([2.0], [3.0]), None, {"n": 2}),
        Embeddings(([4.0],), Usage(2, 0, 2), {"n": 3}),
    ]
    whole = joined(parts)
    assert whole.vectors == ([1.0], [2.0], [3.0], [4.0])
    assert whole.usage == Usage(3, 0, 3)
    assert whole.raw == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert joined([]).vectors == ()


def test_texts_may_come_one_by_one():
    assert checked_texts(text for text in ("a", "b")) == ["a", "b"]


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "3"])
def test_sizes_that_are_none(size):
    with pytest.raises(ValueError, match="at least 1"):
        ORQ_EMBEDDING.batch_size(size)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"model": "m", "dimensions": 0}, "dimensions"),
        ({"model": "m", "dimensions": "8"}, "dimensions"),
        ({"model": "m", "top_k": 3}, "top_k"),
        ({"model": "m", "stop": ["x"]}, "stop"),
        ({"model": "m", "extra_body": [1]}, "extra_body"),
        ({"model": "m", "base_url": "ftp://x"}, "base_url"),
        ({"model": "m", "api_key": ""}, "ORQ_API_KEY"),
    ],
)
def test_questions_that_cannot_be_asked(given, word):
    with pytest.raises(ValueError, match=word):
        question(ORQ_EMBEDDING.service, {**KEY, **given})


def test_a_field_that_is_null_is_left_out():
    assert asked(ORQ_EMBEDDING, model="m", user=None).fields == {"model": "m"}


def test_extra_fields_win():
    what = asked(ORQ_EMBEDDING, model="m", extra_body={"model": "other", "new": 1})
    (batch,) = batches(ORQ_EMBEDDING, what, ["a"])
    assert batch.inquiry.body == {"model": "other", "input": ["a"], "new": 1}


def test_settings_come_from_the_same_parameters():
    what = asked(ORQ_EMBEDDING, model="m", max_retries=5, timeout=3, router_timeout={"call": 1})
    assert what.settings == Settings(
        api_key="k", base_url="https://api.orq.ai", timeout=3, max_retries=5
    )
    assert what.fields == {"model": "m", "timeout": {"call": 1}}


def test_which_of_emissarys_surfaces():
    assert embedding_surface({"model": "m"}) is EMISSARY_EMBEDDING
    assert embedding_surface(GIVEN["deployment"][1]) is EMISSARY_DEPLOYMENT_EMBEDDING


OPENAPI = Path(__file__).parents[1] / "fixtures" / "openapi"


@pytest.mark.parametrize(
    ("service", "document", "schema", "said"),
    [
        (ORQ_EMBEDDING.service, "orq-router", "EmbeddingRequest", {"model", "input"}),
        (ORQ_RERANK, "orq-router", "RerankRequest", {"model", "query", "documents"}),
        (ATOMA_EMBEDDING.service, "atoma", "CreateEmbeddingRequest", {"model", "input"}),
        (EMISSARY_EMBEDDING.service, "emissary-current", "EmbeddingsRequest", {"model", "input"}),
        (
            EMISSARY_DEPLOYMENT_EMBEDDING.service,
            "emissary-deployments",
            "DeploymentEmbeddingsRequest",
            {"source_sentence", "target_sentence"},
        ),
    ],
)
def test_every_documented_field_can_be_set_and_no_other(service, document, schema, said):
    schemas = json.loads((OPENAPI / f"{document}.json").read_text())["components"]["schemas"]
    assert {*service.fields} | said == {*schemas[schema]["properties"]}
