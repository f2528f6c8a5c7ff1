"""Requests that are let in and answers fit the services' own documents."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

OPENAPI = Path(__file__).parents[1] / "fixtures" / "openapi"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
NAMED = {"name": "city", "schema": PARAMETERS, "strict": True}
FIELDS = [
    {},
    {"tools": [{"type": "function", "function": WEATHER}]},
    {"logprobs": True, "top_logprobs": 2},
    {"n": 2},
    {"max_completion_tokens": 3},
    {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_schema", "json_schema": NAMED}},
    {"stop": [" you"]},
]
DEPLOYMENT = "/emissary/v1/projects/ms-1/deployments/dp-1"


@functools.cache
def validator(document: str, schema: str) -> Draft202012Validator:
    text = (OPENAPI / f"{document}.json").read_text(encoding="utf-8")
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": json.loads(text)["components"]}
    )


def check(document: str, schema: str, *bodies: Any) -> None:
    for body in bodies:
        problem = next(validator(document, schema).iter_errors(body), None)
        assert problem is None, f"{schema}: {problem}"


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: next(iter(fields), "plain"))
@pytest.mark.parametrize(
    ("surface", "document", "kind"),
    [
        ("orq", "orq-router", "Chat"),
        ("seed", "orq-router", "SeedChat"),
        ("atoma", "atoma", "ChatCompletion"),
    ],
)
def test_chat(caller, surface, document, kind, fields):
    said = "Weather in Brno and Prague?"
    check(document, f"{kind}Response", caller.chat(surface, said, **fields).json())
    check(document, f"{kind}Chunk", *caller.stream(surface, said, **fields))


@pytest.mark.parametrize(
    ("path", "body", "document", "schema"),
    [
        (
            f"{DEPLOYMENT}/chat/completions",
            {"messages": [{"role": "user", "content": "Hi"}]},
            "emissary-deployments",
            "DeploymentChatResponse",
        ),
        (
            "/emissary/v1/chat/completions",
            {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
            "emissary-current",
            "ChatCompletionObject",
        ),
        (
            "/emissary/v1/completions",
            {"model": "m", "prompt": "Hi"},
            "emissary-current",
            "CompletionObject",
        ),
        (
            "/emissary/v1/embeddings",
            {"model": "m", "input": ["Hi", "Ho"]},
            "emissary-current",
            "EmbeddingsResponse",
        ),
        (
            "/emissary/v1/classification",
            {"model": "m", "input": "Hi"},
            "emissary-current",
            "ClassificationResponse",
        ),
        (
            "/orq/v2/router/completions",
            {"model": "m", "prompt": "Hi"},
            "orq-router",
            "CompletionResponse",
        ),
        (
            "/orq/v2/router/embeddings",
            {"model": "m", "input": "Hi", "encoding_format": "base64"},
            "orq-router",
            "EmbeddingResponse",
        ),
        (
            "/orq/v2/router/rerank",
            {"model": "m", "query": "q", "documents": ["q", "r"], "return_documents": True},
            "orq-router",
            "RerankResponse",
        ),
        (
            "/atoma/v1/completions",
            {"model": "m", "prompt": "Hi", "logprobs": 1},
            "atoma",
            "CompletionsResponse",
        ),
        (
            "/atoma/v1/embeddings",
            {"model": "m", "input": "Hi"},
            "atoma",
            "CreateEmbeddingResponse",
        ),
    ],
)
def test_other_operations(caller, path, body, document, schema):
    check(document, schema, caller.post(path, body).json())


@pytest.mark.parametrize(
    ("path", "document", "schema"),
    [
        ("/orq/v3/router/models", "orq-router", "ModelListResponse"),
        ("/orq/v2/model-catalog", "orq-router", "ModelCatalogResponse"),
        ("/atoma/v1/models", "atoma", "ModelList"),
        ("/atoma/health", "atoma", "HealthResponse"),
    ],
)
def test_lists(caller, path, document, schema):
    check(document, schema, caller.get(path).json())


@pytest.mark.parametrize("status", [400, 401, 402, 404, 423, 425, 429, 500, 501, 503])
def test_errors(caller, status):
    fault = f"status={status}"
    check("atoma", "ErrorResponse", caller.chat("atoma", fault=fault).json())
    forms = {"envelope": "ErrorEnvelope", "openai": "ErrorOpenAI", "flat": "ErrorFlat"}
    for shape, schema in (forms | {"message": "ErrorMessage"}).items():
        answer = caller.chat("orq", fault=f"{fault};shape={shape}").json()
        check("orq-router", schema, answer)
    emissary = {401: "ApiErrorUnauthorized", 404: "ApiErrorNotFound"}
    schema = emissary.get(status, "ApiErrorInvalidInput")
    check("emissary-current", schema, caller.chat("C", fault=fault).json())
