"""Whole answers, as messages: what the service said stands where LangChain looks for it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    OPENAI_LIKE,
    ORQ,
    Peer,
    Played,
    answer,
    ask,
    call,
)

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "wire"
PLAIN_HOWS = ("invoke", "ainvoke")


def answered(how: str, played: Played, body: Any, **params: Any) -> AIMessage:
    message = ask(how, played.model(Peer([body]), **params))
    assert isinstance(message, AIMessage)
    return message


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text())


@pytest.mark.parametrize("how", PLAIN_HOWS)
def test_an_answer_of_orq(how: str) -> None:
    message = answered(how, ORQ, example("orq.router-chat.response-current.json"))
    assert message.content == "The Vltava."
    assert message.usage_metadata == {
        "input_tokens": 14,
        "output_tokens": 5,
        "total_tokens": 19,
        "input_token_details": {"audio": 0, "cache_read": 0},
        "output_token_details": {"audio": 0, "reasoning": 0},
    }
    assert message.response_metadata == {
        "model_name": "gpt-4o-2024-08-06",
        "model_provider": "orq",
        "finish_reason": "stop",
        "id": "01K7M0YTJ6X90VHPRDMM5GEC4R",
        "object": "chat.completion",
        "created": 1760534948,
        "service_tier": "default",
        "system_fingerprint": "fp_f33640a400",
        "token_usage": {"prompt_tokens": 14, "completion_tokens": 5, "total_tokens": 19},
    }


@pytest.mark.parametrize("how", PLAIN_HOWS)
def test_an_answer_of_atoma_carries_its_signature(how: str) -> None:
    body = example("atoma.chat.response-toolcalls.json")
    message = answered(how, ATOMA, body)
    assert message.content == ""
    assert message.tool_calls == [
        {
            "name": "get_current_weather",
            "args": {"location": "Brno"},
            "id": "chatcmpl-tool-77aa",
            "type": "tool_call",
        }
    ]
    told = message.response_metadata
    assert (told["signature"], told["response_hash"]) == (body["signature"], body["response_hash"])
    assert told["stop_reason"] == 128008
    assert told["finish_reason"] == "tool_calls"
    assert (told["model_name"], told["model_provider"]) == (body["model"], "atoma")


@pytest.mark.parametrize("how", PLAIN_HOWS)
def test_an_answer_of_emissary(how: str) -> None:
    message = answered(how, EMISSARY, example("emissary.chat.response.json"))
    assert message.content == "The Vltava flows through Prague."
    assert message.usage_metadata is not None
    assert message.usage_metadata["total_tokens"] == 40
    assert message.response_metadata["model_name"] == "support-bot-checkpoint-5"
    assert message.response_metadata["model_provider"] == "emissary"


@pytest.mark.parametrize("how", PLAIN_HOWS)
def test_an_answer_of_a_deployment_is_named_after_it(how: str) -> None:
    message = answered(how, DEPLOYMENT, example("emissary.deployment-chat.response.json"))
    assert message.content == "The Vltava flows through Prague."
    assert message.usage_metadata is None
    assert message.response_metadata == {
        "id": "chat-completion-7b21",
        "model_name": "dp-1",
        "model_provider": "emissary",
    }


def test_usage_that_is_not_told_is_not_made_up() -> None:
    assert answered("invoke", ORQ, answer(usage={})).usage_metadata is None
    assert answered("invoke", ATOMA, answer(usage=None)).usage_metadata is None


def test_usage_in_floats_and_nulls_becomes_whole_numbers() -> None:
    usage = {
        "prompt_tokens": 14.0,
        "completion_tokens": 5.0,
        "total_tokens": None,
        "prompt_tokens_details": {"cached_tokens": 3.0, "cache_creation_tokens": None},
        "completion_tokens_details": None,
    }
    assert answered("invoke", ORQ, answer(usage=usage)).usage_metadata == {
        "input_tokens": 14,
        "output_tokens": 5,
        "total_tokens": 19,
        "input_token_details": {"cache_read": 3},
    }


@pytest.mark.parametrize("how", PLAIN_HOWS)
def test_reasoning_with_its_signature(how: str) -> None:
    message = answered(how, ORQ, example("orq.router-chat.response-reasoning.json"))
    assert message.additional_kwargs == {
        "reasoning_content": "Prague is in Bohemia; its river is the Vltava.",
        "reasoning_signature": "EqQBCkYIAR==",
    }
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_token_details"] == {"reasoning": 33}


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_by_either_name(played: Played, field: str) -> None:
    message = answered("invoke", played, answer(message={field: "hm"}))
    assert message.additional_kwargs["reasoning_content"] == "hm"


def test_reasoning_comes_back_to_orq_word_for_word() -> None:
    peer = Peer([example("orq.router-chat.response-reasoning.json")])
    model = ORQ.model(peer)
    model.invoke([HumanMessage("Which river?"), model.invoke("Which river?"), HumanMessage("?")])
    assert peer.body["messages"][1]["content"] == [
        {
            "type": "reasoning",
            "reasoning": "Prague is in Bohemia; its river is the Vltava.",
            "signature": "EqQBCkYIAR==",
        },
        {"type": "text", "text": "The Vltava."},
    ]


def test_redacted_reasoning_and_thought_signatures_come_back_too() -> None:
    calls = [call("call_1", "weather", "{}") | {"thought_signature": "sig"}]
    peer = Peer([answer(None, message={"tool_calls": calls, "redacted_reasoning": "xyz"})])
    model = ORQ.model(peer)
    first = model.invoke("Weather?")
    model.invoke([HumanMessage("Weather?"), first])
    turn = peer.body["messages"][1]
    assert turn["tool_calls"] == calls
    assert turn["content"] == [{"type": "redacted_reasoning", "data": "xyz"}]


@pytest.mark.parametrize("how", PLAIN_HOWS)
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
def test_a_refusal(how: str, played: Played) -> None:
    message = answered(how, played, answer(None, message={"refusal": "I can't."}))
    assert message.content == ""
    assert message.additional_kwargs == {"refusal": "I can't."}


def test_emissarys_refusal_stands_on_the_choice() -> None:
    message = answered("invoke", EMISSARY, answer("", choice={"refusal": "I can't."}))
    assert message.additional_kwargs == {"refusal": "I can't."}


@pytest.mark.parametrize("how", PLAIN_HOWS)
def test_logprobs(how: str) -> None:
    logprobs = {"content": [{"token": "The", "logprob": -0.1, "top_logprobs": []}], "refusal": None}
    message = answered(how, ORQ, answer(choice={"logprobs": logprobs}), logprobs=True)
    assert message.response_metadata["logprobs"]["content"] == logprobs["content"]


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("{}", {}),
        ("", {}),
        (None, {}),
        ("null", {}),
        ({"x": 1}, {"x": 1}),
        ('{"x":"é"}', {"x": "é"}),
    ],
)
def test_arguments_of_every_form(played: Played, arguments: Any, args: Any) -> None:
    calls = [call("call_1", "weather", arguments)]
    message = answered("invoke", played, answer(None, message={"tool_calls": calls}))
    assert [each["args"] for each in message.tool_calls] == [args]
    assert message.invalid_tool_calls == []


@pytest.mark.parametrize("arguments", ['{"x": ', "[1]", "3", '"text"', "nonsense"])
def test_arguments_that_are_no_object_make_an_invalid_call(arguments: str) -> None:
    calls = [call("call_1", "weather", arguments), call("call_2", "weather", "{}")]
    message = answered("invoke", ORQ, answer("Hm.", message={"tool_calls": calls}))
    assert [each["id"] for each in message.tool_calls] == ["call_2"]
    [bad] = message.invalid_tool_calls
    assert (bad["id"], bad["name"], bad["args"]) == ("call_1", "weather", arguments)
    assert message.content == "Hm."


def test_no_calls_are_no_calls() -> None:
    assert answered("invoke", ORQ, answer(message={"tool_calls": []})).tool_calls == []


@pytest.mark.parametrize("reason", ["length", "content_filter", "function_call", "end_turn"])
def test_the_finish_reason_is_the_services_own_word(reason: str) -> None:
    message = answered("invoke", ORQ, answer(choice={"finish_reason": reason}))
    assert message.response_metadata["finish_reason"] == reason


@pytest.mark.parametrize("how", ["generate", "agenerate"])
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
async def test_several_answers(how: str, played: Played) -> None:
    body = answer()
    body["choices"].append(
        {
            "index": 1,
            "message": {"role": "assistant", "content": "The Moldau."},
            "finish_reason": "length",
        }
    )
    peer = Peer([body])
    model = played.model(peer, n=2)
    given = [[HumanMessage("Which river?")]]
    result = model.generate(given) if how == "generate" else await model.agenerate(given)
    assert peer.body["n"] == 2
    first, second = (generation.message for generation in result.generations[0])
    assert (first.content, second.content) == ("The Vltava.", "The Moldau.")
    assert second.response_metadata["finish_reason"] == "length"
    assert second.response_metadata["model_name"] == "served-model"
    assert first.usage_metadata["total_tokens"] == 19
    assert second.usage_metadata is None
    assert result.llm_output["token_usage"]["total_tokens"] == 19
    assert model.invoke("Which river?").content == "The Vltava."


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
def test_several_streamed_answers_are_refused_before_any_request(how: str, played: Played) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match="n > 1 can't be streamed"):
        ask(how, played.model(peer, n=2))
    with pytest.raises(ValueError, match="n > 1 can't be streamed"):
        ask(how, played.model(peer), n=2)
    assert peer.requests == []


def test_outputs_of_a_batch_are_added_up() -> None:
    result = ORQ.model(Peer([answer()])).generate([[HumanMessage("a")], [HumanMessage("b")]])
    assert result.llm_output == {
        "model_name": "served-model",
        "token_usage": {"prompt_tokens": 28, "completion_tokens": 10, "total_tokens": 38},
    }


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_a_missing_role_index_and_object_do_no_harm(content_type: str) -> None:
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    response = httpx.Response(200, content=json.dumps(body), headers={"content-type": content_type})
    message = answered("invoke", ORQ, response)
    assert message.content == "Hi"
    assert message.response_metadata["model_name"] == "openai/gpt-4o"
