"""What is let in and what is refused, and that a refusal names the field."""

from __future__ import annotations

import pytest

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "done"}
TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
}
DEPLOYMENT = "/emissary/v1/projects/ms-1/deployments/dp-1"
ROUTER = "/orq/v2/router"
PATHS = {
    "emissary.deployment-chat": f"{DEPLOYMENT}/chat/completions",
    "emissary.deployment-completions": f"{DEPLOYMENT}/completions",
    "emissary.deployment-embeddings": f"{DEPLOYMENT}/embeddings",
    "emissary.deployment-classification": f"{DEPLOYMENT}/classification",
    "emissary.chat": "/emissary/v1/chat/completions",
    "emissary.completions": "/emissary/v1/completions",
    "emissary.embeddings": "/emissary/v1/embeddings",
    "emissary.classification": "/emissary/v1/classification",
    "orq.router-chat": f"{ROUTER}/chat/completions",
    "orq.router-completions": f"{ROUTER}/completions",
    "orq.router-embeddings": f"{ROUTER}/embeddings",
    "orq.router-rerank": f"{ROUTER}/rerank",
    "atoma.chat": "/atoma/v1/chat/completions",
    "atoma.completions": "/atoma/v1/completions",
    "atoma.embeddings": "/atoma/v1/embeddings",
}
REQUESTS = [
    "atoma.chat.request-json-schema",
    "atoma.chat.request-minimal",
    "atoma.chat.request-multimodal",
    "atoma.chat.request-seed-full",
    "atoma.chat.request-stream",
    "atoma.chat.request-tool-roundtrip",
    "atoma.completions.request",
    "atoma.embeddings.request",
    "emissary.chat.request-minimal",
    "emissary.chat.request",
    "emissary.classification.request-logits",
    "emissary.classification.request-probs",
    "emissary.completions.request",
    "emissary.deployment-chat.request-minimal",
    "emissary.deployment-chat.request-streaming",
    "emissary.deployment-chat.request",
    "emissary.deployment-classification.request",
    "emissary.deployment-completions.request",
    "emissary.deployment-embeddings.request",
    "emissary.embeddings.request-batch",
    "emissary.embeddings.request-single",
    "orq.router-chat.request-current",
    "orq.router-chat.request-seed-minimal",
    "orq.router-chat.request-seed-parts",
    "orq.router-chat.request-seed-tools",
    "orq.router-completions.request",
    "orq.router-embeddings.request",
    "orq.router-rerank.request",
]


@pytest.mark.parametrize("name", REQUESTS)
def test_takes_documented_bodies(caller, example, name):
    path = PATHS[".".join(name.split(".")[:2])]
    assert caller.post(path, example(f"{name}.json")).status_code == 200


@pytest.mark.parametrize(
    ("surface", "fields", "said"),
    [
        ("D", {"messages": []}, "messages"),
        ("D", {"messages": [{"role": "user"}]}, "messages[0].content"),
        ("D", {"messages": [{"role": "user", "content": [USER]}]}, "messages[0].content"),
        ("D", {"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ("D", {"messages": [{**USER, "name": "Bob"}]}, "messages[0].name"),
        ("D", {"stream": True}, "stream"),
        ("D", {"max_tokens": 5}, "max_tokens"),
        ("D", {"max_new_tokens": 5.0}, "max_new_tokens"),
        ("D", {"tools": [TOOL]}, "tools"),
        ("D", {"stop": ["x"]}, "stop"),
        ("D", {"model": "m"}, "model"),
        ("C", {"streaming": True}, "streaming"),
        ("C", {"max_new_tokens": 5}, "max_new_tokens"),
        ("C", {"tools": [TOOL]}, "tools"),
        ("C", {"response_format": {"type": "text"}}, "response_format"),
        ("C", {"model": None}, "model"),
        ("C", {"stream": "yes"}, "stream"),
        ("orq", {"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
        ("orq", {"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ("orq", {"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ("orq", {"messages": [{**USER, "content": [{"type": "video"}]}]}, "content[0].type"),
        ("orq", {"tools": []}, "tools"),
        ("orq", {"tools": [{"type": "function", "function": {"name": "a b"}}]}, "function.name"),
        (
            "orq",
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
            "tools[0].function.parameters.type",
        ),
        ("orq", {"messages": [USER, {**CALLING, "tool_calls": []}]}, "messages[1].tool_calls"),
        ("orq", {"tool_choice": "any"}, "tool_choice"),
        ("orq", {"temperature": 3}, "temperature"),
        ("orq", {"max_tokens": 5.5}, "max_tokens"),
        ("orq", {"stop": ["1", "2", "3", "4", "5"]}, "stop"),
        ("orq", {"user": "u"}, "user"),
        ("orq", {"metadata": {"a": 1}}, "metadata.a"),
        ("orq", {"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ("atoma", {"stop": "x"}, "stop"),
        ("atoma", {"max_tokens": 5.0}, "max_tokens"),
        ("atoma", {"tools": []}, "tools"),
        ("atoma", {"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
        ("atoma", {"logit_bias": {"a": 1}}, "logit_bias.a"),
        ("atoma", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("atoma", {"messages": [USER, {**RESULT}]}, "messages[1].tool_call_id"),
        ("atoma", {"messages": [USER, CALLING]}, "messages[1].tool_calls"),
        ("orq", {"messages": [USER, RESULT]}, "messages[1].tool_call_id"),
        ("orq", {"messages": [USER, CALLING, USER]}, "messages[1].tool_calls"),
        ("orq", {"messages": [USER, CALLING, RESULT, RESULT]}, "messages[3].tool_call_id"),
    ],
)
def test_refuses_and_names_the_field(caller, surfaces, surface, fields, said):
    body = {**surfaces[surface].body, "messages": [USER], **fields}
    answer = caller.post(surfaces[surface].path, body)
    assert answer.status_code in {400, 422}
    assert said in answer.text


@pytest.mark.parametrize("surface", ["D", "C", "orq", "atoma"])
def test_refuses_what_is_no_json_of_its_kind(caller, surfaces, surface):
    where = surfaces[surface]
    for content in (b"", b"{", b"[]", b'"x"', b'{"messages": NaN}', b'{"messages": "\\ud800"}'):
        key = "X-API-Key" if where.service == "emissary" else "Authorization"
        value = "k" if where.service == "emissary" else "Bearer k"
        headers = {"content-type": "application/json", key: value}
        answer = caller.client.post(where.path, content=content, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": None},
        {"role": "user"},
        {"role": "user", "content": []},
        {"role": "user", "content": [{"type": "input_audio"}]},
    ],
)
def test_atoma_wants_content_everywhere(caller, example, message):
    answer = caller.chat("atoma", [message])
    assert answer.json() == example("atoma.error.400-message-content.json")


@pytest.mark.parametrize(
    ("request_name", "error_name"),
    [
        ("atoma.chat.request-null-content-rejected", "atoma.error.400-message-content"),
        ("atoma.embeddings.request-list-rejected", "atoma.error.400-embeddings-list"),
    ],
)
def test_atoma_refuses_what_the_document_allows(caller, example, request_name, error_name):
    path = PATHS[".".join(request_name.split(".")[:2])]
    answer = caller.post(path, example(f"{request_name}.json"))
    assert (answer.status_code, answer.json()) == (400, example(f"{error_name}.json"))


def test_atoma_looks_at_the_body_before_the_key(caller, surfaces, example):
    path, no_key = surfaces["atoma"].path, {"Authorization": ""}
    answer = caller.post(path, {"model": "m"}, no_key)
    assert answer.json() == example("atoma.error.400-missing-messages.json")
    assert caller.post(path, {"model": "m", "messages": [USER]}, no_key).status_code == 401


def test_orq_takes_floats_for_counts(caller):
    answer = caller.chat("orq", max_tokens=2.0, seed=7.0, n=1.0, top_logprobs=1.0, logprobs=True)
    assert answer.json()["choices"][0]["finish_reason"] == "length"


def test_profiles_change_what_is_taken(caller, surfaces):
    def status(surface, profile, **fields):
        body = {**surfaces[surface].body, "messages": [USER], **fields}
        headers = {"X-Emulator-Profile": profile}
        return caller.post(surfaces[surface].path, body, headers).status_code

    assert status("orq", "seed", stop="x") == 200
    assert status("orq", "seed-strict", stop="x") == 400
    assert status("orq", "seed-strict", tools=[TOOL]) == 200
    assert status("C", "native", tools=[TOOL], tool_choice="auto") == 200
    assert status("atoma", "", tools=[TOOL], tool_choice="required") == 200
    assert status("atoma", "spec", tools=[TOOL], tool_choice="required") == 400


@pytest.mark.parametrize("surface", ["D", "C", "orq", "atoma"])
@pytest.mark.parametrize("key", ["", "wrong-key", "invalid", "wrong scheme"])
def test_refuses_bad_keys(caller, surfaces, surface, key):
    where = surfaces[surface]
    if where.service == "emissary":
        name, value = "X-API-Key", "Bearer k" if key == "wrong scheme" else key
    else:
        name, value = "Authorization", "k" if key == "wrong scheme" else f"Bearer {key}".strip()
    answer = caller.post(where.path, {**where.body, "messages": [USER]}, {name: value})
    assert answer.status_code == 401


def test_each_service_has_its_own_scheme(caller, surfaces):
    body = {"model": "m", "messages": [USER]}
    swapped = {"X-API-Key": "", "Authorization": "Bearer k"}
    assert caller.post(surfaces["C"].path, body, swapped).status_code == 401
    lower = {"Authorization": "bearer k"}
    assert caller.post(surfaces["orq"].path, body, lower).status_code == 200
    assert caller.post(surfaces["atoma"].path, body, lower).status_code == 401
    two_spaces = {"Authorization": "Bearer  k"}
    assert caller.post(surfaces["atoma"].path, body, two_spaces).status_code == 401


@pytest.mark.parametrize("surface", ["D", "C", "orq", "atoma"])
def test_refuses_other_media_types(caller, surfaces, surface):
    answer = caller.post(surfaces[surface].path, {}, {"Content-Type": "text/plain"})
    assert answer.status_code == 415
    plain = surface == "atoma"
    assert answer.headers["content-type"].startswith("text/plain" if plain else "application/json")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/emissary/v1/nothing", "GET", 404),
        ("/orq/v1/chat/completions", "POST", 404),
        ("/atoma/v1/nothing", "POST", 404),
        ("/atoma/v1/models", "POST", 405),
        ("/orq/v2/router/rerank", "GET", 405),
        ("/emissary/v1/embeddings", "PUT", 405),
    ],
)
def test_other_paths_and_methods(caller, path, method, status):
    answer = caller.client.request(method, path, headers={"X-API-Key": "k"})
    assert answer.status_code == status
    assert (answer.text == "") == path.startswith("/atoma")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/emissary/v1/chat/completions", {"model": "unknown-model", "messages": [USER]}, 404),
        (f"{DEPLOYMENT.replace('dp-1', 'dp-missing')}/completions", {"prompt": "x"}, 404),
        (f"{ROUTER}/chat/completions", {"model": "openai/missing", "messages": [USER]}, 404),
        (f"{ROUTER}/embeddings", {"model": "unknown", "input": "x"}, 404),
        ("/atoma/v1/chat/completions", {"model": "a/unknown", "messages": [USER]}, 400),
    ],
)
def test_some_models_cannot_be_had(caller, path, body, status):
    assert caller.post(path, body).status_code == status


@pytest.mark.parametrize("surface", ["D", "C", "orq", "atoma"])
def test_a_tiny_window_overflows(caller, surfaces, surface):
    where, long = surfaces[surface], [{"role": "user", "content": "word " * 300}]
    path = where.path.replace("dp-1", "dp-tiny")
    body = {**where.body, **({"model": "tiny"} if where.body else {}), "messages": long}
    answer = caller.post(path, body)
    assert answer.status_code == 400
    assert "context_length_exceeded" in answer.text


def test_ids_in_paths_may_hold_anything(caller, server):
    path = "/emissary/v1/projects/a%2Fb/deployments/c%20d/chat/completions"
    assert caller.post(path, {"messages": [USER]}).status_code == 200
    assert server.requests.last.path == path


@pytest.mark.parametrize("router", ["/v2/router", "/v3/router", "/v2/proxy", "/v2/gateway"])
def test_orq_answers_under_all_its_names(caller, router):
    body = {"model": "openai/gpt-4o", "messages": [USER]}
    assert caller.post(f"/orq{router}/chat/completions", body).status_code == 200
