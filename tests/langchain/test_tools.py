"""Tools: how each choice reaches each service."""

from typing import Any

import pytest
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from langchain_emissary.errors import MissingToolCall

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    OPENAI_LIKE,
    ORQ,
    PLAYED,
    Peer,
    Played,
    answer,
    answers,
    ask,
    call,
)


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"14 C in {city}"


@tool
def clock() -> str:
    """Tell the time."""
    return "12:00"


NAMED = {"type": "function", "function": {"name": "weather"}}
CHOICES = {
    "nothing": (None, None),
    "auto": ("auto", "auto"),
    "none": ("none", "none"),
    "any": ("any", "required"),
    "required": ("required", "required"),
    "true": (True, "required"),
    "false": (False, None),
    "name": ("weather", NAMED),
    "openai": (NAMED, NAMED),
    "anthropic": ({"type": "tool", "name": "weather"}, NAMED),
    "anthropic any": ({"type": "any"}, "required"),
}


def called(played: Played = ORQ, **_: Any) -> Any:
    text = '<tool_call>{"name": "weather", "arguments": {"city": "Brno"}}</tool_call>'
    if played is DEPLOYMENT:
        return {"response": text}
    if played is EMISSARY:
        return answer(text)
    return answer(None, message={"tool_calls": [call("call_1", "weather", '{"city": "Brno"}')]})


def bound_body(played: Played, tools: Any, **options: Any) -> Any:
    peer = Peer([called(played)])
    played.model(peer).bind_tools(tools, **options).invoke("Weather in Brno?")
    assert len(peer.requests) == 1
    return peer.body


@pytest.mark.parametrize("form", CHOICES)
def test_a_choice_reaches_orq_in_its_words(form: str) -> None:
    given, expected = CHOICES[form]
    body = bound_body(ORQ, [weather, clock], tool_choice=given)
    assert body.get("tool_choice") == expected
    assert [each["function"]["name"] for each in body["tools"]] == ["weather", "clock"]


@pytest.mark.parametrize("form", CHOICES)
@pytest.mark.parametrize("tools", [[weather], [weather, clock]], ids=["one", "two"])
def test_atoma_which_knows_no_required_is_never_sent_it(form: str, tools: Any) -> None:
    given, expected = CHOICES[form]
    body = bound_body(ATOMA, tools, tool_choice=given)
    if expected == "required":
        expected = NAMED if len(tools) == 1 else "auto"
    assert body.get("tool_choice") == expected


@pytest.mark.parametrize("played", [EMISSARY, DEPLOYMENT], ids=["current", "deployment"])
@pytest.mark.parametrize("form", CHOICES)
def test_emissary_is_told_of_tools_and_choice_in_words_only(played: Played, form: str) -> None:
    given, expected = CHOICES[form]
    body = bound_body(played, [weather, clock], tool_choice=given)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys()
    told = str(body["messages"])
    assert ("Tell the weather of a city." in told) == (expected != "none")
    assert ("must call" in told) == (expected in ("required", NAMED))


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", [EMISSARY, DEPLOYMENT], ids=["current", "deployment"])
def test_a_forced_call_that_does_not_come_is_asked_for_once_more(how: str, played: Played) -> None:
    peer = Peer([answers(how, played=played), called(played)])
    message = ask(how, played.model(peer).bind_tools([weather], tool_choice="any"))
    assert [each["name"] for each in message.tool_calls] == ["weather"]
    assert len(peer.requests) == 2


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["atoma", "emissary", "deployment"])  # Orq forces it itself
def test_a_forced_call_that_never_comes_is_an_error(how: str, name: str) -> None:
    played = PLAYED[name]
    peer = Peer([answers(how, played=played)])
    model = played.model(peer).bind_tools([weather, clock], tool_choice="any")
    with pytest.raises(MissingToolCall, match="asked twice"):
        ask(how, model)
    assert len(peer.requests) == 2


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("nonesuch", "none of the tools"),
        ({"type": "function", "function": {"name": "nonesuch"}}, "none of the tools"),
        ({"type": "function"}, "tool_choice must be"),
        ({}, "tool_choice must be"),
        (3, "tool_choice must be"),
    ],
)
def test_a_choice_that_is_none_is_refused(played: Played, choice: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        played.model(Peer([answer()])).bind_tools([weather], tool_choice=choice)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_bound_choice_of_no_tool_is_refused_before_any_request(played: Played) -> None:
    peer = Peer([answer()])
    model = played.model(peer).bind_tools([weather])
    for choice in ("nonesuch", {"type": "function"}, 3):
        with pytest.raises(ValueError, match="tool_choice"):
            model.invoke("Hi", tool_choice=choice)
    with pytest.raises(ValueError, match="there are no tools"):
        played.model(peer).invoke("Hi", tool_choice="any")
    assert peer.requests == []


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_an_empty_list_of_tools_is_never_sent(played: Played, choice: Any) -> None:
    peer = Peer([answers("invoke", played=played)])
    bound = played.model(peer).bind_tools([], tool_choice=choice)
    assert isinstance(bound, RunnableBinding)
    bound.invoke("Hi")
    played.model(peer).bind(tools=[]).invoke("Hi")
    for body in peer.bodies:
        assert not {"tools", "tool_choice"} & body.keys()
    with pytest.raises(ValueError, match="there are no tools"):
        played.model(peer).bind_tools([], tool_choice="any")


class Weather(BaseModel):
    """Tell the weather."""

    city: str = Field(description="Where")


FORMS = {
    "tool": weather,
    "function": weather.func,
    "class": Weather,
    "schema": {"title": "weather", "type": "object", "properties": {"city": {"type": "string"}}},
    "anthropic": {
        "name": "weather",
        "description": "Tell",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    "openai": {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    },
}


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize("form", FORMS)
def test_a_tool_of_any_form(played: Played, form: str) -> None:
    [told] = bound_body(played, [FORMS[form]])["tools"]
    assert told["type"] == "function"
    assert told["function"]["name"].lower() == "weather"
    assert told["function"]["parameters"]["properties"]["city"]["type"] == "string"


def test_a_tool_without_arguments_has_the_properties_that_orq_requires() -> None:
    bare = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    for given in (clock, bare):
        [told] = bound_body(ORQ, [weather, given])["tools"][1:]
        parameters = told["function"]["parameters"]
        assert (parameters["type"], parameters["properties"]) == ("object", {})


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize("strict", [None, True, False])
def test_strict(played: Played, strict: Any) -> None:
    [told] = bound_body(played, [weather], strict=strict)["tools"]
    assert told["function"].get("strict") is strict
    if strict:
        assert told["function"]["parameters"]["additionalProperties"] is False


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize("parallel", [None, True, False])
def test_parallel_tool_calls(played: Played, parallel: Any) -> None:
    body = bound_body(played, [weather], parallel_tool_calls=parallel)
    assert body.get("parallel_tool_calls") is parallel


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize("tools", [[], [weather]], ids=["no tools", "tools"])
def test_a_response_format_is_passed_on(played: Played, tools: Any) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "w", "schema": {"type": "object"}}}
    assert bound_body(played, tools, response_format=wanted)["response_format"] == wanted
    told = bound_body(played, tools, response_format=Weather)["response_format"]
    assert told["json_schema"]["name"] == "Weather"


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_a_class_for_a_response_format_works_without_binding_tools(how: str) -> None:
    peer = Peer([answers(how)])
    ask(how, ORQ.model(peer), response_format=Weather)
    ask(how, ORQ.model(peer, response_format=Weather))
    assert [each["response_format"]["json_schema"]["name"] for each in peer.bodies] == [
        "Weather"
    ] * 2


@pytest.mark.parametrize("how", HOWS)
def test_emissary_can_be_asked_for_native_tools(how: str) -> None:
    peer = Peer([called(ORQ)])
    model = EMISSARY.model(peer, tool_calling="native").bind_tools([weather], tool_choice="any")
    message = ask(how, model)
    assert message.tool_calls[0]["args"] == {"city": "Brno"}
    assert peer.body["tool_choice"] == "required"
    with pytest.raises(ValueError, match="current API only"):
        DEPLOYMENT.model(peer, tool_calling="native")
