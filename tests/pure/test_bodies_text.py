"""Prompts into what the completions endpoints document, and their answers back."""

import pytest

from emissary_transport import Call
from emissary_transport.exchange import Exchange
from emissary_transport.services import (
    ATOMA_TEXT,
    EMISSARY_DEPLOYMENT_TEXT,
    EMISSARY_TEXT,
    ORQ_TEXT,
)
from emissary_transport.types import Usage
from pure.documented import IDS, must_fit, schema
from pure.examples import JSON, SSE, example, reply

SCHEMAS = [
    (ATOMA_TEXT, "atoma", "CompletionsRequest"),
    (ORQ_TEXT, "orq-router", "CompletionRequest"),
    (EMISSARY_TEXT, "emissary-current", "CompletionRequest"),
    (EMISSARY_DEPLOYMENT_TEXT, "emissary-deployments", "DeploymentCompletionRequest"),
]
WORDS = {"model", "prompt", "stream", "stop"}


def body_of(service, **fields):
    return Exchange(service, Call(messages=(), prompt="Once", model="m", path=IDS, **fields)).body


@pytest.mark.parametrize(("service", "document", "name"), SCHEMAS)
def test_bodies(service, document, name):
    _, documented = schema(document, name)
    assert service.fields.keys() - WORDS == documented - WORDS
    body = body_of(service, max_tokens=9, stop=("x",), stream=True, options={"temperature": 0.5})
    must_fit(body, document, name)
    assert body["prompt"] == "Once"
    assert [body[key] for key in body if "max" in key] == [9]
    assert ("model" in body) == ("model" in documented)
    assert body.get("stream") == (True if "stream" in documented else None)
    assert body.get("stop") == (["x"] if "stop" in documented else None)


@pytest.mark.parametrize("prompt", [None, ""])
def test_a_prompt_is_needed(prompt):
    with pytest.raises(ValueError, match="needs one prompt"):
        Exchange(ORQ_TEXT, Call(messages=(), prompt=prompt, model="m"))


ANSWERS = [
    (ATOMA_TEXT, "atoma.completions.response.json", "stop"),
    (ATOMA_TEXT, "atoma.completions.stream.sse", "stop"),
    (EMISSARY_TEXT, "emissary.completions.response.json", "length"),
    (EMISSARY_DEPLOYMENT_TEXT, "emissary.deployment-completions.response.json", None),
    (ORQ_TEXT, "orq.router-completions.response.json", "stop"),
    (ORQ_TEXT, "orq.router-completions.stream.sse", "stop"),
]


@pytest.mark.parametrize(("service", "name", "finish_reason"), ANSWERS)
def test_answers(service, name, finish_reason):
    answer = reply(service, example(name), SSE if name.endswith("sse") else JSON)
    assert "Vltava" in answer.text
    assert answer.choice.finish_reason == finish_reason
    assert answer.usage is None or isinstance(answer.usage, Usage)
