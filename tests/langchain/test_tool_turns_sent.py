"""Calls and their results in a history, as each service gets them."""

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    FunctionMessage,
    HumanMessage,
    ToolMessage,
)

from .chat_peer import ATOMA, DEPLOYMENT, EMISSARY, ORQ, PLAYED, Played, call, messages_of

WEATHER = {"name": "weather", "args": {"city": "Košice"}, "id": "call_1", "type": "tool_call"}


SENT_CALL = call("call_1", "weather", '{"city": "Košice"}')


@pytest.mark.parametrize(
    ("played", "turn"),
    [
        (ORQ, {"role": "assistant", "tool_calls": [SENT_CALL]}),
        (ATOMA, {"role": "assistant", "content": "", "tool_calls": [SENT_CALL]}),
    ],
    ids=["orq", "atoma"],
)
def test_an_assistant_that_only_calls_has_the_content_the_service_wants(
    played: Played, turn: Any
) -> None:
    history = [
        "Weather?",
        AIMessage("", tool_calls=[WEATHER]),
        ToolMessage(content="14 C", tool_call_id="call_1", name="weather"),
    ]
    assert messages_of(played, *history) == [
        {"role": "user", "content": "Weather?"},
        turn,
        {"role": "tool", "content": "14 C", "tool_call_id": "call_1"},
    ]


@pytest.mark.parametrize("played", [EMISSARY, DEPLOYMENT], ids=["current", "deployment"])
@pytest.mark.parametrize("status", ["success", "error"])
def test_emissary_is_told_of_tool_turns_in_words(played: Played, status: Any) -> None:
    result = ToolMessage(content="14 C", tool_call_id="call_1", status=status)
    said = messages_of(played, "Weather?", AIMessage("", tool_calls=[WEATHER]), result)
    assert [message["role"] for message in said] == ["user", "assistant", "user"]
    assert '"name": "weather", "arguments": {"city": "Košice"}' in said[1]["content"]
    assert ('"error"' if status == "error" else '"content"') in said[2]["content"]
    assert "14 C" in said[2]["content"]


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_text_beside_calls_is_kept(played: Played) -> None:
    turn = messages_of(played, AIMessage("I look.", tool_calls=[WEATHER]), "Well?")[0]
    assert turn["content"].startswith("I look.")


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
def test_a_call_that_could_not_be_read_goes_back_too_so_that_its_answer_fits(
    played: Played,
) -> None:
    bad = {"name": "weather", "args": '{"city": ', "id": "call_2", "error": "cut", "type": "x"}
    history = [
        AIMessage(
            "", tool_calls=[WEATHER], invalid_tool_calls=[bad | {"type": "invalid_tool_call"}]
        ),
        ToolMessage(content="14 C", tool_call_id="call_1"),
        ToolMessage(content="bad arguments", tool_call_id="call_2", status="error"),
    ]
    assert messages_of(played, *history)[0]["tool_calls"] == [
        SENT_CALL,
        call("call_2", "weather", '{"city": '),
    ]


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
def test_the_sum_of_a_stream_goes_back_like_the_message_it_is(played: Played) -> None:
    streamed = AIMessageChunk(
        content="",
        tool_call_chunks=[
            {"name": "weather", "args": '{"city": ', "id": "call_1", "index": 0},
        ],
    ) + AIMessageChunk(
        content="",
        tool_call_chunks=[{"name": None, "args": '"Košice"}', "id": None, "index": 0}],
    )
    turn = messages_of(played, streamed, ToolMessage(content="14 C", tool_call_id="call_1"))[0]
    assert turn["tool_calls"] == [SENT_CALL]


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
def test_a_function_message_answers_the_call_of_its_name(played: Played) -> None:
    history = [
        AIMessage("", tool_calls=[WEATHER]),
        FunctionMessage(content="14 C", name="weather"),
    ]
    assert messages_of(played, *history)[1] == {
        "role": "tool",
        "content": "14 C",
        "tool_call_id": "call_1",
    }


def test_calls_in_the_old_openai_form_are_calls() -> None:
    turn = AIMessage("", additional_kwargs={"tool_calls": [SENT_CALL]})
    result = ToolMessage(content="14 C", tool_call_id="call_1")
    assert messages_of(ORQ, turn, result)[0]["tool_calls"] == [SENT_CALL]


TOOL_USE = {
    "type": "tool_use",
    "id": "call_1",
    "name": "weather",
    "input": {"city": "Košice"},
}


CALL_BLOCKS = {
    "anthropic": TOOL_USE,
    "v1": {"type": "tool_call", "id": "call_1", "name": "weather", "args": {"city": "Košice"}},
}


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("form", CALL_BLOCKS)
@pytest.mark.parametrize("calls", [[], [WEATHER]], ids=["blocks only", "both"])
def test_calls_in_blocks_are_calls_and_are_told_once(played: Played, form: str, calls: Any) -> None:
    turn = AIMessage([{"type": "text", "text": "I look."}, CALL_BLOCKS[form]], tool_calls=calls)
    assert messages_of(played, turn, ToolMessage(content="14 C", tool_call_id="call_1"))[0] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [SENT_CALL],
    }


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
def test_anthropic_tool_results_become_tool_messages_before_the_text_beside_them(
    played: Played,
) -> None:
    results = HumanMessage(
        [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "14 C"},
            {
                "type": "tool_result",
                "tool_use_id": "call_2",
                "content": [{"type": "text", "text": "no such city"}],
                "is_error": True,
            },
            {"type": "tool_result", "tool_use_id": "call_3"},
            {"type": "text", "text": "And now?"},
        ]
    )
    assert messages_of(played, AIMessage([TOOL_USE]), results)[1:] == [
        {"role": "tool", "content": "14 C", "tool_call_id": "call_1"},
        {"role": "tool", "content": "no such city", "tool_call_id": "call_2"},
        {"role": "tool", "content": "", "tool_call_id": "call_3"},
        {"role": "user", "content": "And now?"},
    ]


def test_a_message_of_nothing_but_tool_results_leaves_no_empty_turn() -> None:
    results = HumanMessage([{"type": "tool_result", "tool_use_id": "call_1", "content": "14 C"}])
    assert [m["role"] for m in messages_of(ORQ, AIMessage([TOOL_USE]), results)] == [
        "assistant",
        "tool",
    ]


def test_emissary_is_told_of_anthropic_tool_turns_in_words() -> None:
    results = HumanMessage(
        [
            {
                "type": "tool_result",
                "tool_use_id": "call_1",
                "content": "no such city",
                "is_error": True,
            }
        ]
    )
    said = messages_of(EMISSARY, "Weather?", AIMessage([TOOL_USE]), results)
    assert '"name": "weather"' in said[1]["content"]
    assert '"error": "no such city"' in said[2]["content"]
