"""Streams say the same as plain answers, in the form of each service."""

from __future__ import annotations

import itertools
import json

import pytest

ALL = ["D", "C", "orq", "seed", "atoma"]
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


def keys(chunk):
    choice = chunk["choices"][0] if chunk["choices"] else {}
    delta = choice.get("delta", {})
    return sorted(chunk), sorted(choice), sorted(delta)


@pytest.mark.parametrize("surface", ALL)
def test_says_what_the_plain_answer_says(caller, surfaces, surface):
    where = surfaces[surface]
    plain = where.text(caller.chat(surface, "Which river flows through Prague?").json())
    chunks = caller.stream(surface, "Which river flows through Prague?")
    assert "".join(map(where.piece, chunks)) == plain
    assert len(chunks) > 5
    assert len({chunk["id"] for chunk in chunks}) == 1


@pytest.mark.parametrize(
    ("surface", "name", "fields"),
    [
        ("C", "emissary.chat.stream", {}),
        ("orq", "orq.router-chat.stream-current", {"stream_options": {"include_usage": True}}),
        ("atoma", "atoma.chat.stream", {}),
        ("atoma", "atoma.chat.stream-reasoning", {"model": "deepseek-ai/DeepSeek-R1"}),
    ],
)
def test_chunks_are_like_the_example(caller, example, surface, name, fields):
    chunks, expected = caller.stream(surface, **fields), example(f"{name}.sse")
    assert keys(chunks[0]) == keys(expected[0])
    assert {str(keys(chunk)) for chunk in chunks} == {str(keys(chunk)) for chunk in expected}


@pytest.mark.parametrize(
    ("surface", "name"),
    [
        ("orq", "orq.router-chat.stream-current-tools"),
        ("seed", "orq.router-chat.stream-seed-tools"),
        ("atoma", "atoma.chat.stream-tools"),
    ],
)
def test_tool_deltas_are_like_the_example(caller, example, surface, name):
    def shapes(chunks):
        calls = [
            call
            for chunk in chunks
            for choice in chunk["choices"]
            for call in choice["delta"].get("tool_calls", [])
        ]
        return {(tuple(sorted(call)), tuple(sorted(call["function"]))) for call in calls}

    chunks = caller.stream(surface, "Weather in Brno?", tools=[TOOL])
    assert shapes(chunks) == shapes(example(f"{name}.sse"))


@pytest.mark.parametrize("surface", ["orq", "seed", "atoma"])
def test_tool_calls_come_in_pieces(caller, surface):
    chunks = caller.stream(surface, "Weather in Brno and Prague?", tools=[TOOL])
    merged: dict[str, str] = {}
    last = ""
    for chunk in chunks:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", []):
                last = call.get("id", last)
                merged[last] = merged.get(last, "") + call["function"].get("arguments", "")
    assert [json.loads(text) for text in merged.values()] == [{"city": "Brno"}, {"city": "Prague"}]
    finishes = [c["finish_reason"] for chunk in chunks for c in chunk["choices"]]
    assert [finish for finish in finishes if finish] == ["tool_calls"]


@pytest.mark.parametrize("surface", ["orq", "seed", "atoma"])
def test_usage_is_that_of_the_plain_answer(caller, surface):
    more = {"stream_options": {"include_usage": True}} if surface == "orq" else {}
    plain = caller.chat(surface).json()["usage"]
    usages = [chunk["usage"] for chunk in caller.stream(surface, **more) if chunk.get("usage")]
    assert len(usages) == 1
    assert usages[0]["total_tokens"] == plain["total_tokens"]


def test_only_orq_needs_to_be_asked_for_usage(caller):
    assert not any("usage" in chunk for chunk in caller.stream("orq"))
    off = {"stream_options": {"include_usage": False}}
    assert caller.stream("atoma", **off)[-1]["choices"] == []
    assert caller.stream("seed")[0]["usage"] == {}


@pytest.mark.parametrize("surface", ALL)
def test_endings(caller, surfaces, surface):
    text = caller.chat(surface, **{surfaces[surface].stream: True}).text
    assert text.endswith("data: [DONE]\n\n") == (surface != "atoma")
    assert text.startswith(": keep-alive\n\n: keep-alive\n\n") == (surface == "atoma")


@pytest.mark.parametrize("surface", ["orq", "seed", "atoma"])
def test_several_choices_take_turns(caller, surface):
    chunks = caller.stream(surface, n=2)
    said = {0: "", 1: ""}
    for chunk in chunks:
        for choice in chunk["choices"]:
            said[choice["index"]] += choice["delta"].get("content") or ""
    assert said[0] == said[1] != ""


@pytest.mark.parametrize("surface", ["orq", "atoma"])
def test_logprobs_come_with_their_tokens(caller, surface):
    for chunk in caller.stream(surface, logprobs=True):
        for choice in chunk["choices"]:
            if choice.get("logprobs"):
                (entry,) = choice["logprobs"]["content"]
                assert entry["token"] == choice["delta"]["content"]


@pytest.mark.parametrize(
    ("form", "media_type", "first"),
    [
        ("deltas", "text/event-stream", 'data: {"id":"chat-completion-'),
        ("cumulative", "text/event-stream", 'data: {"id":"chat-completion-'),
        ("openai", "text/event-stream", 'data: {"id":"chat-completion-'),
        ("strings", "text/event-stream", 'data: "The"\n\n'),
        ("literal", "text/event-stream", "data: The\n\ndata:  Vltava\n\n"),
        ("text", "text/plain", "The Vltava flows"),
        ("ndjson", "application/x-ndjson", '{"id":"chat-completion-'),
        ("jsonl", "application/jsonl", '{"id":"chat-completion-'),
        ("json", "application/json", '{"id":"chat-completion-'),
    ],
)
def test_emissary_deployments_stream_in_many_forms(caller, events_in, form, media_type, first):
    fault = f"profile={form}"
    answer = caller.chat("D", "Which river flows through Prague?", fault, streaming=True)
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.text.startswith(first)
    if form == "cumulative":
        responses = [event["response"] for event in events_in(answer.text)]
        assert all(b.startswith(a) for a, b in itertools.pairwise(responses))


@pytest.mark.parametrize("path", ["/orq/v2/router/completions", "/atoma/v1/completions"])
def test_completions_stream(caller, events_in, path):
    body = {"model": "m", "prompt": "The river that flows through Prague is"}
    plain = caller.post(path, body).json()["choices"][0]
    chunks = events_in(caller.post(path, {**body, "stream": True}).text)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert "".join(choice["text"] for choice in choices) == plain["text"]
    finishes = [choice["finish_reason"] for choice in choices]
    assert finishes == [None] * (len(finishes) - 1) + ["stop"]
