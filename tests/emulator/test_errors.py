"""Errors have the form of their service."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["401", "404"])
def test_emissary_errors_are_the_examples(caller, example, name):
    answer = caller.chat("C", fault=f"status={name}")
    assert (answer.status_code, answer.json()) == (
        int(name),
        example(f"emissary.error.{name}.json"),
    )


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("status=401", "401"),
        ("status=402", "402"),
        ("status=404", "404"),
        ("status=423", "423"),
        ("status=425", "425"),
        ("status=429", "429"),
        ("status=500", "500"),
        ("status=503", "503"),
        ("status=400;code=FIAT_PAYMENTS_ONLY", "400-fiat-balance"),
        ("status=500;message=Bad Request", "500-engine-rejected"),
    ],
)
def test_atoma_errors_are_the_examples(caller, example, fault, name):
    answer = caller.chat("atoma", fault=fault)
    assert answer.status_code == int(name[:3])
    assert answer.json() == example(f"atoma.error.{name}.json")


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("status=401", "401-envelope"),
        ("status=429", "429-envelope"),
        ("status=500", "500-message"),
        ("status=404;message=No deployment has the key 'demo'.", "404-legacy"),
        ("status=422;message=messages must not be empty", "422-openai"),
        (
            "status=401;shape=flat;message=No key for openai is set up in this workspace.",
            "401-provider-missing",
        ),
    ],
)
def test_orq_errors_are_like_the_examples(caller, example, fault, name):
    answer, expected = caller.chat("orq", fault=fault), example(f"orq.error.{name}.json")
    body = answer.json()
    assert answer.status_code == int(name[:3])
    assert body.keys() >= expected.keys()
    if isinstance(expected.get("error"), dict):
        assert body["error"].keys() == expected["error"].keys()
    else:
        assert {**body, "id": 0} == {**expected, "id": 0}


def test_orq_refuses_an_empty_conversation_as_in_the_example(caller, example):
    answer = caller.chat("orq", [])
    assert (answer.status_code, answer.json()) == (422, example("orq.error.422-openai.json"))


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("envelope", lambda body: body["error"]["doc_url"]),
        ("openai", lambda body: body["error"]["type"]),
        ("flat", lambda body: body["source"]),
        ("message", lambda body: body["message"]),
    ],
)
def test_each_form_of_orq_can_be_had(caller, shape, says):
    assert says(caller.chat("orq", fault=f"status=400;shape={shape}").json())


def test_orq_says_when_to_come_back(caller):
    headers = caller.chat("orq", fault="status=429;retry-after=3").headers
    assert headers["retry-after"] == "3"
    assert headers["x-ratelimit-remaining"] == "0"


@pytest.mark.parametrize("surface", ["D", "atoma"])
def test_plain_text_errors(caller, surface):
    answer = caller.chat(surface, fault="status=502;shape=text;message=Bad gateway")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "Bad gateway"
