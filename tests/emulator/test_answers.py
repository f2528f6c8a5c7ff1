"""Answers have the fields of the documented examples."""

from __future__ import annotations

import base64
import hashlib
import json
import struct

import pytest

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
DEPLOYMENT = "/emissary/v1/projects/ms-1/deployments/dp-1"
ROUTER = "/orq/v2/router"
ALL = ["D", "C", "orq", "seed", "atoma"]


FREE = {"$[].parameter_template"}


def differences(example, answer, path="$"):
    """Where the answer has other fields or kinds of value than the example; null fits all."""
    if example is None or answer is None or path in FREE:
        return
    if isinstance(example, dict) and isinstance(answer, dict):
        if example.keys() != answer.keys():
            yield f"{path}: {sorted(example.keys() ^ answer.keys())}"
        for key in example.keys() & answer.keys():
            yield from differences(example[key], answer[key], f"{path}.{key}")
    elif isinstance(example, list) and isinstance(answer, list):
        for entry in answer if example else ():
            yield from differences(example[0], entry, f"{path}[]")
    elif isinstance(example, bool) != isinstance(answer, bool):
        yield path
    elif isinstance(example, int | float) and isinstance(answer, int | float):
        return
    elif type(example) is not type(answer):
        yield f"{path}: {example!r} and {answer!r}"


@pytest.mark.parametrize(
    ("surface", "name", "fields"),
    [
        ("D", "emissary.deployment-chat.response", {}),
        ("C", "emissary.chat.response", {}),
        ("orq", "orq.router-chat.response-current", {}),
        ("seed", "orq.router-chat.response-seed", {}),
        ("seed", "orq.router-chat.response-seed-toolcall", {"tools": [TOOL]}),
        ("atoma", "atoma.chat.response", {}),
        ("atoma", "atoma.chat.response-toolcalls", {"tools": [TOOL]}),
    ],
)
def test_chat_is_like_the_example(caller, example, surface, name, fields):
    answer = caller.chat(surface, "Weather in Brno?", **fields)
    assert list(differences(example(f"{name}.json"), answer.json())) == []


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        (f"{DEPLOYMENT}/completions", "emissary.deployment-completions.request", None),
        (f"{DEPLOYMENT}/embeddings", "emissary.deployment-embeddings.request", None),
        (f"{DEPLOYMENT}/classification", "emissary.deployment-classification.request", None),
        ("/emissary/v1/completions", "emissary.completions.request", None),
        (
            "/emissary/v1/embeddings",
            "emissary.embeddings.request-batch",
            "emissary.embeddings.response-batch",
        ),
        (
            "/emissary/v1/classification",
            "emissary.classification.request-probs",
            "emissary.classification.response-probs",
        ),
        (
            "/emissary/v1/classification",
            "emissary.classification.request-logits",
            "emissary.classification.response-logits",
        ),
        (f"{ROUTER}/completions", "orq.router-completions.request", None),
        (
            f"{ROUTER}/embeddings",
            "orq.router-embeddings.request",
            "orq.router-embeddings.response-float",
        ),
        (f"{ROUTER}/rerank", "orq.router-rerank.request", "orq.router-rerank.response-current"),
        ("/atoma/v1/completions", "atoma.completions.request", None),
        ("/atoma/v1/embeddings", "atoma.embeddings.request", None),
    ],
)
def test_other_operations_are_like_the_example(caller, example, path, body, name):
    answer = caller.post(path, example(f"{body}.json")).json()
    expected = example(f"{name or body.replace('request', 'response')}.json")
    assert list(differences(expected, answer)) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/emissary/v1/models", "emissary.models.response"),
        ("/orq/v3/router/models", "orq.models.response"),
        ("/orq/v2/model-catalog", "orq.model-catalog.response"),
        ("/atoma/v1/models", "atoma.models.response"),
    ],
)
def test_lists_of_models_are_like_the_example(caller, example, path, name):
    assert list(differences(example(f"{name}.json"), caller.get(path).json())) == []


def test_one_emissary_model(caller):
    path = "/emissary/v1/models/Llama-3.2-1B-Instruct"
    assert caller.get(path).json()["type"] == "completion"
    assert caller.get("/emissary/v1/models/other").status_code == 404


def test_the_catalogue_has_pages_and_filters(caller):
    seen, start = [], ""
    while True:
        page = caller.get(f"/orq/v2/model-catalog?limit=3{start}").json()
        seen += [entry["id"] for entry in page["data"]]
        if not page["has_more"]:
            break
        start = f"&starting_after={seen[-1]}"
    assert seen == [entry["id"] for entry in caller.get("/orq/v2/model-catalog").json()["data"]]
    back = caller.get(f"/orq/v2/model-catalog?limit=2&ending_before={seen[3]}").json()
    assert [entry["id"] for entry in back["data"]] == seen[1:3]
    some = caller.get("/orq/v2/model-catalog?provider=anthropic&provider=google&endpoint=chat")
    assert {entry["provider"]["id"] for entry in some.json()["data"]} == {"anthropic", "google"}
    for wrong in ("limit=0", "limit=x", "starting_after=nothing"):
        assert caller.get(f"/orq/v2/model-catalog?{wrong}").status_code == 400


def test_atoma_needs_no_key_everywhere(caller):
    open_paths = ("/atoma/health", "/atoma/v1/open_router/models")
    assert [caller.client.get(path).status_code for path in open_paths] == [200, 200]
    assert caller.client.get("/atoma/v1/models").status_code == 401


@pytest.mark.parametrize(
    ("surface", "sent", "answered"),
    [
        ("C", "support-bot-checkpoint-5", "support-bot-checkpoint-5"),
        ("orq", "openai/gpt-4o", "gpt-4o"),
        ("orq", "gpt-4o", "gpt-4o"),
        ("atoma", "meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"),
    ],
)
def test_the_answer_names_the_model(caller, surface, sent, answered):
    assert caller.chat(surface, model=sent).json()["model"] == answered


@pytest.mark.parametrize("surface", ALL)
def test_the_same_request_has_the_same_answer_but_never_the_same_id(caller, server, surface):
    first, second = (caller.chat(surface).json() for _ in range(2))
    server.clear()
    assert caller.chat(surface).json() == first
    assert first["id"] != second["id"]
    assert {**first, "id": 0, "response_hash": 0, "signature": 0} == {
        **second,
        "id": 0,
        "response_hash": 0,
        "signature": 0,
    }


@pytest.mark.parametrize("surface", ALL)
def test_the_limit_cuts(caller, surfaces, surface):
    whole = surfaces[surface].text(caller.chat(surface).json())
    answer = caller.chat(surface, **{surfaces[surface].limit: 2}).json()
    cut = surfaces[surface].text(answer)
    assert whole.startswith(cut)
    assert 0 < len(cut) < len(whole)
    if surface != "D":
        assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("surface", ["orq", "seed", "atoma"])
def test_stop_cuts(caller, surface):
    choice = caller.chat(surface, stop=["nothing", " you"]).json()["choices"][0]
    assert choice["message"]["content"] == "Hello! How can I help"
    assert choice["finish_reason"] == "stop"
    if surface == "atoma":
        assert choice["stop_reason"] == " you"


@pytest.mark.parametrize("surface", ["orq", "seed", "atoma"])
def test_several_choices(caller, surface):
    answer = caller.chat(surface, n=3).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    single = caller.chat(surface).json()
    assert answer["usage"]["completion_tokens"] == 3 * single["usage"]["completion_tokens"]


@pytest.mark.parametrize("surface", ["orq", "atoma"])
def test_logprobs(caller, surface):
    choice = caller.chat(surface, logprobs=True, top_logprobs=2).json()["choices"][0]
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert all(len(entry["top_logprobs"]) == 2 and entry["logprob"] <= 0 for entry in entries)
    assert (
        bytes(b for entry in entries for b in entry["bytes"]).decode()
        == (choice["message"]["content"])
    )


@pytest.mark.parametrize(
    ("surface", "model", "fields", "field"),
    [
        ("orq", "openai/o3", {}, "reasoning"),
        ("orq", "openai/gpt-4o", {"reasoning_effort": "low"}, "reasoning"),
        ("orq", "a/b", {"thinking": {"type": "enabled", "budget_tokens": 99}}, "reasoning"),
        ("atoma", "deepseek-ai/DeepSeek-R1", {}, "reasoning_content"),
    ],
)
def test_reasoning(caller, surface, model, fields, field):
    answer = caller.chat(surface, model=model, **fields).json()
    assert answer["choices"][0]["message"][field]
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    chunks = caller.stream(surface, model=model, **fields)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    streamed = "".join(delta.get(field, "") for delta in deltas)
    assert streamed == answer["choices"][0]["message"][field]


def test_reasoning_is_like_the_example(caller, example):
    answer = caller.chat("orq", model="openai/o3").json()
    expected = example("orq.router-chat.response-reasoning.json")
    message, wanted = answer["choices"][0]["message"], expected["choices"][0]["message"]
    assert wanted.keys() <= message.keys()
    off = caller.chat("orq", model="openai/o3", reasoning_effort="none").json()
    assert "reasoning" not in off["choices"][0]["message"]


def test_orq_counts_sounds_and_marked_parts(caller):
    parts = [
        {"type": "text", "text": "Hello there", "cache_control": {"type": "ephemeral"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,"},
        },
    ]
    said = [{"role": "user", "content": parts}]
    first, again = (caller.chat("orq", said).json()["usage"] for _ in range(2))
    assert first["prompt_tokens_details"]["audio_tokens"] > 0
    assert first["prompt_tokens_details"]["cache_creation_tokens"] == 2
    assert again["prompt_tokens_details"]["cached_tokens"] == 2


def test_atoma_hashes_what_it_says(caller):
    answer = caller.chat("atoma", "Grüße 你好").json()
    said = {k: v for k, v in answer.items() if k not in {"signature", "response_hash"}}
    compact = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    digest = hashlib.blake2b(compact, digest_size=32).digest()
    assert base64.b64decode(answer["response_hash"]) == digest
    assert len(base64.b64decode(answer["signature"])) == 97


def test_emissary_numbers_may_be_floats(caller):
    kinds = {
        type(caller.chat("C", "Hello" + " you" * extra).json()["usage"]["total_tokens"])
        for extra in range(2)
    }
    assert kinds == {int, float}


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (f"{DEPLOYMENT}/completions", "max_new_tokens"),
        ("/emissary/v1/completions", "max_completion_tokens"),
        (f"{ROUTER}/completions", "max_tokens"),
        ("/atoma/v1/completions", "max_tokens"),
    ],
)
def test_completions_continue_the_prompt(caller, path, limit):
    body = {"prompt": "The river that flows through Prague is"}
    body |= {} if "projects" in path else {"model": "m"}

    def text(**more):
        answer = caller.post(path, {**body, **more}).json()
        return answer["response"] if "response" in answer else answer["choices"][0]["text"]

    assert text() == " The Vltava flows through Prague."
    assert text(**{limit: 2}) == " The Vltava"


def test_completions_of_several_prompts(caller):
    body = {"model": "m", "prompt": ["Hello", "Which river flows through Brno?"], "n": 2}
    for path in (f"{ROUTER}/completions", "/atoma/v1/completions"):
        choices = caller.post(path, {**body, "echo": True}).json()["choices"]
        assert [choice["index"] for choice in choices] == [0, 1, 2, 3]
        assert choices[0]["text"].startswith("Hello Hello!")
        assert "Svratka" in choices[3]["text"]


def test_completion_logprobs(caller):
    body = {"model": "m", "prompt": "Hello", "logprobs": 1}
    choice = caller.post("/atoma/v1/completions", body).json()["choices"][0]
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
    assert choice["logprobs"]["text_offset"][0] == 0


def test_embeddings_as_base64_and_in_other_sizes(caller):
    body = {"model": "m", "input": "Prague lies on the Vltava."}
    path = f"{ROUTER}/embeddings"
    plain = caller.post(path, {**body, "dimensions": 10}).json()["data"][0]["embedding"]
    packed = caller.post(path, {**body, "dimensions": 10, "encoding_format": "base64"}).json()
    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.unpack("<10f", raw) == pytest.approx(plain)
    many = caller.post(path, {"model": "m", "input": [[1, 2], [3]]}).json()
    assert [entry["index"] for entry in many["data"]] == [0, 1]


def test_rerank_orders_by_shared_words(caller, example):
    body = example("orq.router-rerank.request.json") | {"top_n": 2}
    body["documents"] = [*body["documents"], {"title": "river", "text": "in Prague"}]
    ranked = caller.post(f"{ROUTER}/rerank", body).json()["results"]
    assert [result["index"] for result in ranked] == [2, 1]
    assert 1 >= ranked[0]["relevance_score"] > ranked[1]["relevance_score"] > 0
    seed = caller.post(f"{ROUTER}/rerank", body, {"X-Emulator-Profile": "seed"}).json()
    assert list(differences(example("orq.router-rerank.response-seed.json"), seed)) == []


@pytest.mark.parametrize("path", ["/v1/nodes/lock", "/v1/confidential/chat/completions"])
def test_what_atoma_has_but_is_not_played(caller, path):
    assert caller.post(f"/atoma{path}", {}).json()["error"]["code"] == "NOT_IMPLEMENTED"


def test_native_emissary_calls_tools(caller, surfaces):
    where = surfaces["C"]
    said = [{"role": "user", "content": "Weather in Brno?"}]
    body = {**where.body, "messages": said, "tools": [TOOL]}
    headers = {"X-Emulator-Profile": "native"}
    choice = caller.post(where.path, body, headers).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    call = choice["message"]["tool_calls"][0]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Brno"}'}
