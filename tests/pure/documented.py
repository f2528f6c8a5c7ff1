"""Calls, and whether their bodies are what each service documents."""

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_NATIVE,
    ORQ,
    Call,
    Message,
    ToolCall,
)
from emissary_transport.exchange import Exchange

OPENAPI = Path(__file__).parents[1] / "fixtures" / "openapi"
ORQ_SEED = "orq-router", "SeedChatRequest"
SCHEMAS = {
    ATOMA.title: ("atoma", "ChatCompletionRequest"),
    EMISSARY.title: ("emissary-current", "ChatRequest"),
    EMISSARY_DEPLOYMENT.title: ("emissary-deployments", "DeploymentChatRequest"),
    ORQ.title: ("orq-router", "ChatRequest"),
}
DOCUMENTED = (ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ)
UNDOCUMENTED = {
    ("Atoma", "logprobs"),
    ("Emissary", "stream"),
    ("Emissary", "max_completion_tokens"),
}
"""Fields that the wire has and no schema lists; see the notes in the services."""

HI = Message("user", "hi")
IDS = {"project_id": "p", "deployment_id": "d"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALLED = Message("assistant", "", tool_calls=(ToolCall("c1", "get_weather", '{"city":"Brno"}'),))
RESULT = Message("tool", "14 C", tool_call_id="c1", name="get_weather")
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def call(*messages, **fields):
    return Call(messages=messages or (HI,), **{"model": "m", "path": IDS} | fields)


@cache
def schema(document, name):
    schemas = json.loads((OPENAPI / f"{document}.json").read_text())
    return Draft202012Validator({**schemas, "$ref": f"#/components/schemas/{name}"}), set(
        schemas["components"]["schemas"][name]["properties"]
    )


def must_fit(body, document, name, undocumented=()):
    validator, properties = schema(document, name)
    validator.validate({key: body[key] for key in body.keys() - set(undocumented)})
    assert body.keys() <= properties | set(undocumented)


def body_of(service, *messages, **fields):
    """A call's body, which must be what the service documents."""
    body = Exchange(service, call(*messages, **fields)).body
    if service.title in SCHEMAS and service is not EMISSARY_NATIVE:
        names = [name for title, name in UNDOCUMENTED if title == service.title]
        must_fit(body, *SCHEMAS[service.title], names)
    return json.loads(json.dumps(body))


WORDS = {"model", "messages", "stream", "streaming", "stop", "tools", "tool_choice"}
WORDS |= {"parallel_tool_calls", "response_format", "stream_options"}
"""What `Call` has words for."""
