"""Tools and schemas told in words."""

from __future__ import annotations

import json
import re

import pytest

from emissary_emulator.brain import Message

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
MAGIC = {
    "type": "function",
    "function": {
        "name": "magic_function",
        "description": "Apply a magic function to an input.",
        "parameters": {
            "type": "object",
            "properties": {"input": {"type": "integer"}},
            "required": ["input"],
        },
    },
}
PREFIX = (
    "You are kind.\n\nYou are provided with function signatures in this block, one JSON object a "
    "line:\n<tools>\n{tools}\n</tools>\nFor each function call, return a JSON object with the "
    "function's name and its arguments, within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{{"name": <function-name>, "arguments": <args-json-object>}}\n</tool_call>\n{rest}'
)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
REACT = """You are designed to help with a variety of tasks.

## Tools

You have access to the following tools:
> Tool Name: get_weather
Tool Description: get_weather(city: str) -> str
Get the weather of a city.

Tool Args: {"properties": {"city": {"title": "City", "type": "string"}}, "required": ["city"], \
"type": "object"}

> Tool Name: multiply
Tool Description: Multiply two numbers
Tool Args: {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "type": "object", \
"required": ["a", "b"]}


## Output Format

Thought: The current language of the user is: (user's language). I need to use a tool.
Action: tool name (one of get_weather, multiply) if using a tool.
Action Input: the input to the tool, in a JSON format (e.g. {"input": "hello world"})
"""
CLASSIC = """Answer the following questions as best you can. You have access to the following tools:

get_weather(city: str) -> str - Weather of a city
calc: Useful for sums

Use the following format:

Question: the input question you must answer
Thought: you should always think about what to do
Action: the action to take, should be one of [get_weather, calc]
Action Input: the input to the action
Observation: the result of the action
Final Answer: the final answer to the original input question

Begin!

Question: What is the weather in Brno?
Thought:"""


def told(*said: tuple[str, str], rest: str = "", tools=(WEATHER, MAGIC)) -> list[Message]:
    text = PREFIX.format(tools="\n".join(map(json.dumps, tools)), rest=rest)
    return [Message("system", text), *(Message(role, text) for role, text in said)]


def called(text: str) -> list[dict]:
    return [json.loads(found) for found in re.findall(r"<tool_call>(.*?)</tool_call>", text, re.S)]


def test_calls_in_tags(ask):
    reply = ask(told(("user", "Weather in Brno and Prague?")))
    assert called(reply.text) == [
        {"name": "get_weather", "arguments": {"city": "Brno"}},
        {"name": "get_weather", "arguments": {"city": "Prague"}},
    ]
    assert (reply.calls, reply.finish) == ((), "stop")


@pytest.mark.parametrize(
    ("rest", "said", "names"),
    [
        ("", "Hello", []),
        ('You must call the function "magic_function" now.', "Hello!", ["magic_function"]),
        ("You must call at least one of the functions now.", "Hello!", ["get_weather"]),
        ("Do not call any function.", "Weather in Brno?", []),
        ("Call only one function in an answer.", "Weather in Brno and Prague?", ["get_weather"]),
    ],
)
def test_orders_in_words(ask, rest, said, names):
    assert [call["name"] for call in called(ask(told(("user", said), rest=rest)).text)] == names


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ("14 C, rain", "14 C, rain"),
        ('{"name": "get_weather", "content": "14 C, rain"}', "14 C, rain"),
        ('{"name": "get_weather", "error": "no such city"}', "no such city"),
        ('{"celsius": 14}', '{"celsius": 14}'),
    ],
)
def test_results_in_tags(ask, response, says):
    call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Brno"}}\n</tool_call>'
    reply = ask(
        told(
            ("user", "Weather in Brno?"),
            ("assistant", call),
            ("user", f"<tool_response>\n{response}\n</tool_response>"),
        )
    )
    assert reply.text == f"get_weather for Brno says: {says}."


TAGGED = (
    "Answer with a single JSON object that fits the schema, and nothing else.\n"
    f"<schema>\n{json.dumps(SCHEMA)}\n</schema>"
)
PLAIN = f"Here's a JSON schema to follow:\n{json.dumps(SCHEMA)}\n\nOutput a valid JSON object."


@pytest.mark.parametrize("order", [TAGGED, PLAIN, PLAIN.replace("{", "{{").replace("}", "}}")])
@pytest.mark.parametrize("role", ["system", "user"])
def test_schemas_in_words(ask, order, role):
    said = [Message(role, order)] if role == "system" else []
    text = "Where is Brno?" if role == "system" else f"Where is Brno?\n{order}"
    assert json.loads(ask([*said, Message("user", text)]).text) == {"city": "Brno"}


def test_json_in_words(ask):
    said = [Message("system", "Answer with a single JSON object, and nothing else.")]
    assert "answer" in json.loads(ask([*said, Message("user", "Hello")]).text)


def test_tools_first_then_the_schema(ask):
    rest = f"When your answer is no function call: ...\n<schema>{json.dumps(SCHEMA)}</schema>"
    said = told(("user", "Weather in Brno?"), rest=rest)
    first = ask(said).text
    assert called(first)[0]["name"] == "get_weather"
    said += [Message("assistant", first), Message("user", "<tool_response>rain</tool_response>")]
    assert json.loads(ask(said).text) == {"city": "Brno"}


def test_react_of_llamaindex(ask):
    said = [Message("system", REACT), Message("user", "What is the weather in Brno?")]
    first = ask(said).text
    assert re.fullmatch(
        r'Thought: .+\nAction: get_weather\nAction Input: \{"city": "Brno"\}', first
    )
    said += [
        Message("assistant", first.replace('"', "'")),
        Message("user", "Observation: 14 C, rain"),
    ]
    answer = ask(said).text
    assert answer.startswith("Thought: I can answer without using any more tools.")
    assert answer.endswith("\nAnswer: get_weather for Brno says: 14 C, rain.")
    greeting = ask([Message("system", REACT), Message("user", "Hello")]).text
    assert "\nAnswer: Hello!" in greeting


def test_classic_react(ask):
    first = ask(CLASSIC, stop=("\nObservation",)).text
    assert first.endswith("\nAction: get_weather\nAction Input: Brno")
    second = ask(f"{CLASSIC} {first}\nObservation: rain\nThought:").text
    assert second.endswith("\nFinal Answer: get_weather for Brno says: rain.")
