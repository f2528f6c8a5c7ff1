"""The wire's own answers, into replies."""

import json

import pytest

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ
from emissary_transport.types import Choice, Reasoning, ToolCall, Usage
from pure.examples import JSON, SSE, deltas, example, reply

VLTAVA = "The Vltava flows through Prague."
NO_DETAILS = {"cached_tokens": 0, "audio_input_tokens": 0, "audio_output_tokens": 0}
NO_DETAILS |= {"reasoning_tokens": 0, "accepted_prediction_tokens": 0}
NO_DETAILS |= {"rejected_prediction_tokens": 0}
WEATHER = ("get_weather", '{"city":"Brno"}')
CURRENT_WEATHER = ToolCall("chatcmpl-tool-77aa", "get_current_weather", '{"location": "Brno"}')

ANSWERS = {
    "atoma.chat.response.json": (
        ATOMA,
        Choice(text=VLTAVA, finish_reason="stop"),
        Usage(42, 9, 51),
    ),
    "atoma.chat.response-toolcalls.json": (
        ATOMA,
        Choice(tool_calls=(CURRENT_WEATHER,), finish_reason="tool_calls"),
        Usage(80, 19, 99),
    ),
    "atoma.chat.stream.sse": (ATOMA, Choice(text=VLTAVA, finish_reason="stop"), Usage(42, 9, 51)),
    "atoma.chat.stream-reasoning.sse": (
        ATOMA,
        Choice(
            text="The Vltava.", finish_reason="stop", reasoning=Reasoning("Prague is in Bohemia.")
        ),
        Usage(42, 9, 51),
    ),
    "atoma.chat.stream-tools.sse": (
        ATOMA,
        Choice(tool_calls=(CURRENT_WEATHER,), finish_reason="tool_calls"),
        Usage(80, 19, 99),
    ),
    "emissary.chat.response.json": (
        EMISSARY,
        Choice(text=VLTAVA, finish_reason="stop"),
        Usage(31, 9, 40, **NO_DETAILS),
    ),
    "emissary.chat.stream.sse": (EMISSARY, Choice(text=VLTAVA, finish_reason="stop"), None),
    "emissary.deployment-chat.response.json": (EMISSARY_DEPLOYMENT, Choice(text=VLTAVA), None),
    "emissary.deployment-chat.response-without-id.json": (
        EMISSARY_DEPLOYMENT,
        Choice(text=VLTAVA),
        None,
    ),
    "emissary.deployment-chat.stream-cumulative.sse": (
        EMISSARY_DEPLOYMENT,
        Choice(text=VLTAVA),
        None,
    ),
    "emissary.deployment-chat.stream-deltas.sse": (EMISSARY_DEPLOYMENT, Choice(text=VLTAVA), None),
    "emissary.deployment-chat.stream-openai.sse": (
        EMISSARY_DEPLOYMENT,
        Choice(text=VLTAVA, finish_reason="stop"),
        None,
    ),
    "emissary.deployment-chat.stream-plain-text.sse": (
        EMISSARY_DEPLOYMENT,
        Choice(text=VLTAVA),
        None,
    ),
    "orq.router-chat.response-seed.json": (
        ORQ,
        Choice(text="The Vltava.", finish_reason="stop"),
        Usage(15, 5, 20),
    ),
    "orq.router-chat.response-current.json": (
        ORQ,
        Choice(text="The Vltava.", finish_reason="stop"),
        Usage(14, 5, 19, **NO_DETAILS),
    ),
    "orq.router-chat.response-reasoning.json": (
        ORQ,
        Choice(
            text="The Vltava.",
            finish_reason="stop",
            reasoning=Reasoning("Prague is in Bohemia; its river is the Vltava.", "EqQBCkYIAR=="),
        ),
        Usage(14, 40, 54, cache_creation_tokens=0, reasoning_tokens=33),
    ),
    "orq.router-chat.response-seed-toolcall.json": (
        ORQ,
        Choice(tool_calls=(ToolCall("call_b1", *WEATHER),), finish_reason="tool_calls"),
        Usage(52, 16, 68),
    ),
    "orq.router-chat.stream-current.sse": (
        ORQ,
        Choice(text="The Vltava.", finish_reason="stop"),
        Usage(14, 5, 19, **NO_DETAILS),
    ),
    "orq.router-chat.stream-current-tools.sse": (
        ORQ,
        Choice(
            tool_calls=(
                ToolCall("call_b1", *WEATHER),
                ToolCall("call_b2", "get_weather", '{"city":"Praha"}'),
            ),
            finish_reason="tool_calls",
        ),
        None,
    ),
    "orq.router-chat.stream-seed-tools.sse": (
        ORQ,
        Choice(tool_calls=(ToolCall("call_b1", *WEATHER),), finish_reason="tool_calls"),
        Usage(52, 16, 68),
    ),
}


def told(answer):
    """The choice and usage of a reply, without what stands for the answer as a whole."""
    [choice] = answer.choices
    fields = {name: getattr(choice, name) for name in Choice.__slots__ if name != "metadata"}
    return Choice(**fields), answer.usage


def type_of(name):
    return SSE if name.endswith(".sse") else JSON


@pytest.mark.parametrize(("name", "case"), ANSWERS.items(), ids=ANSWERS)
@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize("asked_to_stream", [True, False])
def test_examples(name, case, size, asked_to_stream):
    service, choice, usage = case
    read = reply(service, example(name), type_of(name), size=size, streamed=asked_to_stream)
    assert told(read) == (choice, usage)


@pytest.mark.parametrize(("name", "case"), ANSWERS.items(), ids=ANSWERS)
def test_what_stands_for_the_whole_is_told_once(name, case):
    service, choice, usage = case
    given = deltas(service, example(name), type_of(name))
    assert [d.finish_reason for d in given if d.finish_reason] == [
        reason for reason in [choice.finish_reason] if reason
    ]
    assert [d.usage for d in given if d.usage] == ([usage] if usage else [])
    has_metadata = name != "emissary.deployment-chat.response-without-id.json"
    has_metadata &= "plain-text" not in name
    assert sum(d.metadata is not None for d in given) == has_metadata


METADATA = {
    "atoma.chat.response-toolcalls.json": {
        "id": "chatcmpl-4f1c2b7a9d3e45e0b6a1c8d2e7f90a13",
        "object": "chat.completion",
        "created": 1756200000,
        "model": "meta-llama/Llama-3.3-70B-Instruct",
        "stop_reason": 128008,
        "signature": "AHpVIPPTioEfrd8mtqclBaclv5O56Za3Knt9Hn1qafqJBENfes6CFIv6yayU30QcUP6UAEnS+0R"
        "e6GtkhAApjwF5tVYuj+ZU+UB4sRLoqYunkB+FOuaVvtfg45ELrQSWZA==",
        "response_hash": "8i6DNnXsO/hikeFQbACAG2B/4HozrfVzmtmLx5wiBQ0=",
    },
    "emissary.chat.response.json": {
        "id": "chatcmpl-B9M1f3",
        "object": "chat.completion",
        "created": 1765000000,
        "model": "support-bot-checkpoint-5",
        "service_tier": "default",
        "system_fingerprint": "fp_0a1b2c3d4e",
    },
    "emissary.deployment-chat.response.json": {"id": "chat-completion-7b21"},
    "emissary.deployment-chat.stream-deltas.sse": {"id": "chat-completion-7b21"},
    "orq.router-chat.stream-current.sse": {
        "id": "01K7M0YTJ6X90VHPRDMM5GEC4R",
        "object": "chat.completion.chunk",
        "created": 1760534948,
        "model": "gpt-4o-2024-08-06",
        "system_fingerprint": "fp_f33640a400",
    },
}


@pytest.mark.parametrize(("name", "metadata"), METADATA.items(), ids=METADATA)
def test_metadata(name, metadata):
    service = ANSWERS[name][0]
    assert reply(service, example(name), type_of(name)).choice.metadata == metadata


def test_a_streamed_signature_belongs_to_the_chunk_that_ends_the_answer():
    body = example("atoma.chat.stream.sse")
    ending = json.loads(body.split(b"\n\n")[-3].removeprefix(b"data: "))
    assert ending["choices"][0]["finish_reason"] == "stop"
    metadata = reply(ATOMA, body).choice.metadata
    assert metadata["signature"] == ending["signature"]
    assert metadata["response_hash"] == ending["response_hash"]
