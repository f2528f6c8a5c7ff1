"""Tools, their choice and formats into what each service takes, or into words."""

import pytest

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_NATIVE,
    ORQ,
    Named,
)
from emissary_transport.services import CHATS
from pure.documented import (
    CALLED,
    HI,
    ORQ_SEED,
    RESULT,
    TOOL,
    body_of,
    must_fit,
)

EMPTY_PARAMETERS = {"type": "object", "properties": {}}


@pytest.mark.parametrize("given", ["absent", None, {}, {"type": "object"}, EMPTY_PARAMETERS])
def test_a_tool_without_parameters_on_orq(given):
    function = {"name": "now"} | ({} if given == "absent" else {"parameters": given})
    [sent] = body_of(ORQ, tools=({"type": "function", "function": function},))["tools"]
    assert sent == {"type": "function", "function": {"name": "now", "parameters": EMPTY_PARAMETERS}}
    must_fit({"model": "m", "messages": [], "tools": [sent]}, *ORQ_SEED)


def test_the_callers_tools_are_not_changed():
    tool = {"type": "function", "function": {"name": "now", "parameters": {}}}
    body_of(ORQ, tools=(tool,))
    assert tool == {"type": "function", "function": {"name": "now", "parameters": {}}}


CHOICES = [
    ("auto", "auto"),
    ("none", "none"),
    (Named("get_weather"), {"type": "function", "function": {"name": "get_weather"}}),
]
OTHER = {"type": "function", "function": {"name": "other", "parameters": EMPTY_PARAMETERS}}


@pytest.mark.parametrize("service", [ATOMA, ORQ, EMISSARY_NATIVE])
@pytest.mark.parametrize(("choice", "sent"), CHOICES)
def test_tool_choices(service, choice, sent):
    body = body_of(service, tools=(TOOL, OTHER), tool_choice=choice, parallel_tool_calls=False)
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (sent, False)
    bare = body_of(service, tools=(TOOL,))
    assert bare.keys() & {"tool_choice", "parallel_tool_calls"} == set()


def test_required_where_it_is_documented_and_where_not():
    named = {"type": "function", "function": {"name": "get_weather"}}
    assert body_of(ORQ, tools=(TOOL,), tool_choice="required")["tool_choice"] == "required"
    assert body_of(ATOMA, tools=(TOOL,), tool_choice="required")["tool_choice"] == named
    body = body_of(ATOMA, tools=(TOOL, OTHER), tool_choice="required")
    assert body["tool_choice"] == "auto"
    assert "must call" in body["messages"][0]["content"]


@pytest.mark.parametrize("service", CHATS, ids=lambda service: service.title)
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tools": (TOOL,), "tool_choice": Named("nope")}, "none of the tools"),
        ({"tool_choice": Named("nope")}, "there are none"),
        ({"tool_choice": "required"}, "no tools"),
        ({"tools": ({"type": "web_search"},)}, "not 'web_search'"),
        ({"tools": ({"type": "function", "function": {}},)}, "takes tools of the form"),
    ],
)
def test_tools_that_can_not_be_meant(service, fields, told):
    with pytest.raises(ValueError, match=told):
        body_of(service, **fields)


FORMATS = [
    {"type": "text"},
    {"type": "json_object"},
    {
        "type": "json_schema",
        "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}},
    },
]


@pytest.mark.parametrize("response_format", FORMATS)
def test_response_formats(response_format):
    for service in (ATOMA, ORQ):
        assert (
            body_of(service, response_format=response_format)["response_format"] == response_format
        )
    for service in (EMISSARY, EMISSARY_DEPLOYMENT):
        assert "response_format" not in body_of(service, response_format=response_format)


@pytest.mark.parametrize("service", [EMISSARY, EMISSARY_DEPLOYMENT])
def test_emissarys_tools_are_told_in_words(service):
    body = body_of(service, HI, CALLED, RESULT, tools=(TOOL,), tool_choice="required", stop=("x",))
    assert body.keys() <= {"model", "messages"}
    assert {message["role"] for message in body["messages"]} <= {"system", "user", "assistant"}
    assert "get_weather" in body["messages"][0]["content"]
