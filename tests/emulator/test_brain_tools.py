"""The model calls the right tool with arguments from the prompt."""

from __future__ import annotations

import json

import pytest

from emissary_emulator.brain import Message, Tool, ToolCall

TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def tool(name: str, about: str, needed: dict, optional: dict | None = None) -> Tool:
    properties = {**needed, **(optional or {})}
    return Tool(name, about, {"type": "object", "properties": properties, "required": [*needed]})


WEATHER = tool("get_weather", "Get the weather at a location.", {"location": TEXT})
TIME = tool("get_time", "Current time in a city", {"city": TEXT})
MAGIC = tool(
    "magic_function",
    "Apply a magic function to an input.",
    {"input": {"type": "integer", "exclusiveMinimum": -1000, "exclusiveMaximum": 1000}},
)
NOTHING = tool("magic_function_no_args", "Calculate a magic function.", {})
ADDER = tool("my_adder_tool", "Tool that adds two integers.", {"a": WHOLE, "b": WHOLE})
MULTIPLY = tool("multiply", "Multiply two numbers.", {"a": NUMBER, "b": NUMBER})
CUSTOMER = tool(
    "unicode_customer",
    "Tool for creating a customer with Unicode name.",
    {"customer_name": TEXT, "description": TEXT},
)
GREETING = tool(
    "greeting_generator",
    "Generate a greeting in a particular style of speaking.",
    {"answer_style": TEXT},
)
SEARCH = tool("search", "Search the web.", {"query": TEXT})
MAIL = tool("send_mail", "Send a mail to somebody", {"to": TEXT, "body": TEXT})
REPORT = tool("WeatherReport", "A report of the weather.", {"city": TEXT, "celsius": WHOLE})
BOOK = tool(
    "book_table",
    "Book a table in a restaurant",
    {
        "restaurant": TEXT,
        "city": TEXT,
        "people": WHOLE,
        "date": {"type": "string", "format": "date"},
    },
    {"note": {"anyOf": [TEXT, {"type": "null"}], "default": None}, "outside": {"type": "boolean"}},
)


def calls(reply) -> list[tuple[str, dict]]:
    return [(call.name, json.loads(call.arguments)) for call in reply.calls]


@pytest.mark.parametrize(
    ("said", "tools", "expected"),
    [
        ("What is the value of magic_function(3)? Use the tool.", [MAGIC], [{"input": 3}]),
        ("What is the value of magic_function_no_args()? Use the tool.", [NOTHING], [{}]),
        ("What is 1 + 2", [ADDER], [{"a": 1, "b": 2}]),
        ("What is 2 + 2", [ADDER], [{"a": 2, "b": 2}]),
        ("What is 2.5 times 4?", [ADDER, MULTIPLY], [{"a": 2.5, "b": 4}]),
        (
            "What is the weather in San Francisco, CA?",
            [WEATHER],
            [{"location": "San Francisco, CA"}],
        ),
        ("weather in brno?", [WEATHER, TIME], [{"location": "brno"}]),
        ("What time is it in New York?", [WEATHER, TIME], [{"city": "New York"}]),
        ("Using the tool, generate a Pirate greeting.", [GREETING], [{"answer_style": "Pirate"}]),
        ("Search for 'green tea'", [SEARCH], [{"query": "green tea"}]),
        ("Use the tool for -7", [MAGIC], [{"input": -7}]),
        ('call search with {"query": "tea"}', [WEATHER, SEARCH], [{"query": "tea"}]),
        (
            "Book a table for 4 people outside at Lokál in Prague on 2025-05-01",
            [WEATHER, BOOK],
            [
                {
                    "restaurant": "Lokál",
                    "city": "Prague",
                    "people": 4,
                    "date": "2025-05-01",
                    "outside": True,
                }
            ],
        ),
    ],
)
def test_arguments_come_from_the_prompt(ask, said, tools, expected):
    reply = ask(said, *tools)
    assert [arguments for _, arguments in calls(reply)] == expected
    assert reply.finish == "tool_calls"


@pytest.mark.parametrize("name", ["你好啊集团", "こんにちは株式会社", "Žluťoučký kůň"])
def test_unicode_is_kept(ask, name):
    said = f"Create a customer named '{name}' (Some Group) - a technology company"
    reply = ask(said, CUSTOMER, choice="required")
    assert calls(reply)[0][1]["customer_name"] == name
    assert name in reply.calls[0].arguments


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "What is the weather in Brno and Prague?",
            [("get_weather", {"location": "Brno"}), ("get_weather", {"location": "Prague"})],
        ),
        (
            "Weather in Brno, New York and Prague",
            [("get_weather", {"location": city}) for city in ("Brno", "New York", "Prague")],
        ),
        (
            "What is the weather in Brno and what is the time in Prague?",
            [("get_weather", {"location": "Brno"}), ("get_time", {"city": "Prague"})],
        ),
        (
            "magic_function(3) and magic_function(4)",
            [("magic_function", {"input": 3}), ("magic_function", {"input": 4})],
        ),
        (
            "multiply 2.5 by 4 and add 3 and 7",
            [("multiply", {"a": 2.5, "b": 4}), ("my_adder_tool", {"a": 3, "b": 7})],
        ),
    ],
)
def test_several_calls(ask, said, expected):
    tools = [WEATHER, TIME, MAGIC, ADDER, MULTIPLY]
    assert calls(ask(said, *tools)) == expected
    assert calls(ask(said, *tools, parallel=False)) == expected[:1]


def test_one_call_after_the_other_when_not_in_parallel(ask):
    said, made = [Message("user", "Weather in Brno and Prague?")], []
    for _ in range(3):
        reply = ask(said, WEATHER, parallel=False)
        if not reply.calls:
            break
        call = ToolCall(reply.calls[0].name, json.loads(reply.calls[0].arguments))
        made.append(call.arguments["location"])
        result = Message("tool", f"rain in {made[-1]}", source=call)
        said += [Message("assistant", "", calls=(call,)), result]
    assert made == ["Brno", "Prague"]
    assert "rain in Brno" in reply.text
    assert "rain in Prague" in reply.text


@pytest.mark.parametrize(
    "said", ["Hello", "Who are you?", "How are you today?", "Tell me a joke about cats.", ""]
)
def test_calls_nothing_that_is_not_asked_for(ask, said):
    reply = ask(said, WEATHER, TIME, MAGIC, SEARCH, BOOK)
    assert reply.calls == ()
    assert reply.text


def test_choice_is_followed(ask):
    tools = (MAGIC, WEATHER)
    assert ask("Weather in Brno?", *tools, choice="none").calls == ()
    assert [
        name for name, _ in calls(ask("Weather in Brno?", *tools, choice="magic_function"))
    ] == ["magic_function"]
    forced = calls(ask("Hello!", *tools, choice="required"))
    assert len(forced) == 1
    assert -1000 < calls(ask("Hello!", MAGIC, choice="required"))[0][1]["input"] < 1000


def test_real_tools_come_before_answer_schemas(ask):
    said = [Message("user", "What is the weather in Brno?")]
    first = ask(said, WEATHER, MAIL, REPORT, choice="required")
    assert calls(first) == [("get_weather", {"location": "Brno"})]
    call = ToolCall("get_weather", {"location": "Brno"})
    said += [Message("assistant", "", calls=(call,)), Message("tool", "14 C", source=call)]
    second = ask(said, WEATHER, MAIL, REPORT, choice="required")
    assert calls(second) == [("WeatherReport", {"city": "Brno", "celsius": 14})]


def test_limits_cut_arguments_too(ask):
    reply = ask("Weather in Brno?", WEATHER, limit=4)
    assert reply.finish == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.calls[0].arguments)


def test_quoted_names_with_and_in_them_are_one(ask):
    said = "Create a customer named 'Salt and Pepper' - a spice company"
    assert calls(ask(said, CUSTOMER))[0][1]["customer_name"] == "Salt and Pepper"
