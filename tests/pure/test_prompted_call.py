"""What a model is told about tools and formats."""

import json
import re
from dataclasses import replace

import pytest

from emissary_transport.prompted import asked_again, prompted_call
from emissary_transport.types import Call, Message, Named, ToolCall

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Počasí <here>",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
SCHEMA = {"type": "object", "properties": {"město": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
HI = Message("user", "hi")
CALL = Call(messages=(HI,), model="m", tools=(WEATHER, CLOCK))


def told(call):
    return prompted_call(call).messages[0].content


def test_the_same_call_comes_back_where_there_is_nothing_to_tell():
    call = Call(messages=(Message("system", "Be kind."), HI, Message("assistant", "hello")))
    assert prompted_call(call) is call


def test_no_field_is_left_that_the_service_does_not_know():
    call = replace(
        CALL, tool_choice="required", parallel_tool_calls=False, response_format=FORMAT, stream=True
    )
    prompted = prompted_call(call)
    assert prompted == Call(messages=prompted.messages, model="m", stream=True)
    assert [message.role for message in prompted.messages] == ["system", "user"]
    assert prompted.messages[1] is HI


def test_tools_are_told_one_a_line_in_the_only_tools_block():
    text = told(CALL)
    assert text.count("<tools>") == text.count("</tools>") == 1
    block = re.search(r"<tools>\n(.*)\n</tools>", text, re.S)[1]
    assert [json.loads(line) for line in block.split("\n")] == [WEATHER, CLOCK]
    assert "Počasí" in block
    assert '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n' in text
    assert "plain text" in text
    assert "must call" not in text
    assert "Call only one function" not in text


@pytest.mark.parametrize(
    ("choice", "order"),
    [
        ("required", "must call at least one"),
        (Named("clock"), 'must call the function "clock"'),
    ],
)
def test_a_forced_call_is_demanded(choice, order):
    text = told(replace(CALL, tool_choice=choice))
    assert order in text
    assert "plain text" not in text


def test_one_call_at_a_time_is_said():
    assert "Call only one function" in told(replace(CALL, parallel_tool_calls=False))


def test_tools_that_must_not_be_called_are_not_told():
    assert prompted_call(replace(CALL, tool_choice="none")) == Call(messages=(HI,), model="m")


def test_a_schema_is_told():
    text = told(Call(messages=(HI,), response_format=FORMAT))
    assert "Answer with a single JSON object that fits the schema, and nothing else" in text
    assert json.loads(re.search(r"<schema>\n(.*)\n</schema>", text, re.S)[1]) == SCHEMA
    assert "město" in text
    assert "<tools>" not in text


def test_an_object_without_schema_is_told():
    text = told(Call(messages=(HI,), response_format={"type": "json_object"}))
    assert "Answer with a single JSON object" in text
    assert "<schema>" not in text


def test_tools_and_a_schema_are_told_together():
    text = told(replace(CALL, response_format=FORMAT))
    assert text.index("</tools>") < text.index("Answer with a single JSON object")


def test_text_needs_no_telling():
    call = Call(messages=(HI,), response_format={"type": "text"})
    assert prompted_call(call) == Call(messages=(HI,))


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="'grammar'"):
        prompted_call(Call(messages=(HI,), response_format={"type": "grammar"}))


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize(
    "content", ["Be kind.", ({"type": "text", "text": "Be"}, {"type": "text", "text": "kind."})]
)
def test_the_first_system_message_goes_before_the_instructions(role, content):
    first, second = prompted_call(
        replace(CALL, messages=(Message(role, content, name="boss"), HI))
    ).messages
    said = content if isinstance(content, str) else "Be\nkind."
    assert first == Message(role, f"{said}\n\n{told(CALL)}", name="boss")
    assert second is HI


HISTORY = (
    HI,
    Message(
        "assistant",
        "Let me look.",
        tool_calls=(
            ToolCall("c1", "weather", '{"city":"Košice"}'),
            ToolCall("c2", "clock", ""),
            ToolCall("c3", "clock", "{broken"),
            ToolCall("c4", "clock", "[1]"),
        ),
    ),
    Message("tool", "5 °C", tool_call_id="c1"),
    Message("tool", "no clock", tool_call_id="c2", failed=True),
    Message(
        "tool",
        ({"type": "text", "text": "a"}, {"type": "text", "text": "b"}),
        tool_call_id="lost",
    ),
    HI,
)


def test_calls_and_results_in_the_history_are_told_even_without_tools():
    prompted = prompted_call(Call(messages=HISTORY))
    assert prompted.messages == (
        HI,
        Message(
            "assistant",
            "Let me look.\n"
            '<tool_call>\n{"name": "weather", "arguments": {"city": "Košice"}}\n</tool_call>\n'
            '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>\n'
            '<tool_call>\n{"name": "clock", "arguments": "{broken"}\n</tool_call>\n'
            '<tool_call>\n{"name": "clock", "arguments": "[1]"}\n</tool_call>',
        ),
        Message(
            "user",
            '<tool_response>\n{"name": "weather", "content": "5 °C"}\n</tool_response>\n'
            '<tool_response>\n{"name": "clock", "error": "no clock"}\n</tool_response>\n'
            '<tool_response>\n{"tool_call_id": "lost", "content": "a\\nb"}\n</tool_response>',
        ),
        HI,
    )


def test_results_at_the_end_come_out_too():
    assert prompted_call(Call(messages=HISTORY[:3])).messages[-1].role == "user"


def test_a_call_without_text_is_only_a_block():
    message = Message("assistant", "", tool_calls=(ToolCall("c", "clock"),))
    [said] = prompted_call(Call(messages=(message,))).messages
    assert said.content == '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>'


def test_a_picture_among_results_is_refused():
    picture = Message("tool", ({"type": "image_url", "image_url": {"url": "u"}},))
    with pytest.raises(ValueError, match="tool message has a part of type 'image_url'"):
        prompted_call(Call(messages=(picture,)))


def test_other_content_is_left_alone():
    parts = ({"type": "image_url", "image_url": {"url": "u"}},)
    question = Message("user", parts)
    assert prompted_call(replace(CALL, messages=(question,))).messages[1] is question


@pytest.mark.parametrize(
    ("choice", "order", "name"),
    [
        ("required", "must call at least one", "<function-name>"),
        (Named("clock"), 'must call the function "clock"', '"clock"'),
    ],
)
def test_a_call_that_did_not_come_is_asked_for_again(choice, order, name):
    call = replace(CALL, tool_choice=choice)
    again = asked_again(call, "It is noon.")
    assert again.messages[:-1] == (HI, Message("assistant", "It is noon."))
    assert again.messages[-1].role == "user"
    assert order in again.messages[-1].content
    assert f'<tool_call>\n{{"name": {name}, "arguments"' in again.messages[-1].content
    assert replace(again, messages=call.messages) == call
    assert told(again) == told(call)


@pytest.mark.parametrize("content", ["hi", ({"type": "text", "text": "hi"},)])
def test_an_empty_answer_is_not_repeated_and_roles_alternate(content):
    call = replace(CALL, tool_choice="required", messages=(Message("user", content),))
    [message] = asked_again(call, " \n").messages
    text = message.content if isinstance(content, str) else message.content[1]["text"]
    assert "must call at least one" in text


def test_only_a_forced_call_is_asked_for_again():
    with pytest.raises(ValueError, match="forces"):
        asked_again(CALL, "no")
