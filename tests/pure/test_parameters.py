"""What frameworks hold as flat parameters, into a service, settings and a call."""

from dataclasses import replace

import httpx
import pytest

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_NATIVE,
    ORQ,
    Call,
    Message,
    Named,
    Settings,
)
from emissary_transport.parameters import (
    asked,
    merged,
    sorted_out,
    stop_sequences,
    tool_choice_of,
)
from emissary_transport.services import (
    EMISSARY_DEPLOYMENT_TEXT,
    EMISSARY_TEXT,
    surface,
    text_surface,
)
from emissary_transport.timeouts import httpx_timeout

HI = (Message("user", "hi"),)
DEPLOYMENT = {"project_id": "p", "deployment_id": "d"}


@pytest.mark.parametrize(
    ("model", "call", "result"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": 0, "b": False, "c": ""}, {}, {"a": 0, "b": False, "c": ""}),
        ({"max_tokens": 9}, {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
        ({"max_completion_tokens": 9}, {"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_new_tokens": 9, "max_tokens": 8}, {"max_tokens": None}, {}),
        (DEPLOYMENT, {"model": "m"}, {"model": "m"}),
        ({"model": "m"}, DEPLOYMENT, DEPLOYMENT),
        (DEPLOYMENT, {"deployment_id": "e"}, {"project_id": "p", "deployment_id": "e"}),
        (
            {"timeout": 5},
            {"timeout": {"call_timeout": 9}},
            {"timeout": 5, "router_timeout": {"call_timeout": 9}},
        ),
    ],
)
def test_the_call_wins_over_the_model(model, call, result):
    before = dict(model), dict(call)
    assert merged(model, call) == result
    assert (model, call) == before


def ask(service=ORQ, **given):
    return asked(lambda _: service, {"api_key": "k", "model": "m"} | given, HI, stream=False)


def test_each_parameter_goes_to_its_place():
    given = {
        "base_url": "https://h",
        "timeout": 5,
        "stall_timeout": 2,
        "max_retries": 0,
        "retry_timeouts": True,
        "headers": {"a": "b"},
        "max_tokens": 9,
        "stop": "x",
        "seed": 7,
        "tools": [{"function": {"name": "f"}}],
        "tool_choice": "any",
        "parallel_tool_calls": False,
        "response_format": {"type": "text"},
        "usage": False,
        "stream_mode": "delta",
        "extra_body": {"y": 1},
        "router_timeout": {"call_timeout": 9},
        "router_metadata": {"c": "d"},
    }
    result = ask(**given)
    assert result.service is ORQ
    assert result.settings == Settings(
        api_key="k",
        base_url="https://h",
        timeout=5,
        stall_timeout=2,
        max_retries=0,
        retry_timeouts=True,
        headers={"a": "b"},
    )
    assert result.call == Call(
        messages=HI,
        model="m",
        max_tokens=9,
        stop=("x",),
        tools=({"function": {"name": "f"}},),
        tool_choice="required",
        parallel_tool_calls=False,
        response_format={"type": "text"},
        usage=False,
        stream_mode="delta",
        extra_body={"y": 1},
        options={"seed": 7, "timeout": {"call_timeout": 9}, "metadata": {"c": "d"}},
    )


def test_defaults():
    result = ask()
    assert result.settings == Settings(api_key="k", base_url=ORQ.base_url, max_retries=2)
    assert result.call == Call(messages=HI, model="m")


def test_path_ids_are_no_options():
    call = ask(EMISSARY_DEPLOYMENT, model="", **DEPLOYMENT).call
    assert (call.path, call.options) == (DEPLOYMENT, {})


@pytest.mark.parametrize(
    ("service", "names"),
    [
        (ORQ, "ORQ_API_KEY"),
        (ATOMA, "ATOMA_API_KEY or ATOMASDK_BEARER_AUTH"),
        (EMISSARY, "EMISSARY_API_KEY or EMISSARY_CLIENT_API_KEY"),
    ],
)
@pytest.mark.parametrize("key", [None, ""])
def test_a_missing_key_names_what_to_set(service, names, key):
    with pytest.raises(
        ValueError, match=rf"{service.title} needs an API key: pass api_key=.*{names}"
    ):
        ask(service, api_key=key)


def test_the_key_and_the_headers_are_in_no_repr():
    result = ask(api_key="sk-secret", headers={"x": "also secret"})
    assert "secret" not in repr(result)


@pytest.mark.parametrize(
    ("given", "service"),
    [
        ({"model": "m"}, EMISSARY),
        ({"model": "m", "tool_calling": "prompted"}, EMISSARY),
        ({"model": "m", "tool_calling": "native"}, EMISSARY_NATIVE),
        ({"model": "m", "project_id": "p"}, EMISSARY),
        (DEPLOYMENT, EMISSARY_DEPLOYMENT),
    ],
)
def test_surfaces_of_emissary(given, service):
    assert surface(given) is service
    is_deployment = service is EMISSARY_DEPLOYMENT
    assert text_surface(given) is (EMISSARY_DEPLOYMENT_TEXT if is_deployment else EMISSARY_TEXT)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, r"model=\.\.\..*EMISSARY_PROJECT_ID, EMISSARY_DEPLOYMENT_ID"),
        ({"project_id": "p"}, "which model to ask"),
        ({"deployment_id": "d"}, "project_id.*EMISSARY_PROJECT_ID"),
        (DEPLOYMENT | {"model": "m"}, "not both"),
        (DEPLOYMENT | {"tool_calling": "native"}, "current API only"),
    ],
)
def test_no_surface_of_emissary(given, told):
    with pytest.raises(ValueError, match=told):
        surface(given)


@pytest.mark.parametrize(
    ("stop", "result"),
    [(None, ()), ("", ("",)), ([], ()), ("x", ("x",)), (["x", "yz"], ("x", "yz"))],
)
def test_stop_sequences(stop, result):
    if "" in result:
        with pytest.raises(ValueError, match="stop must be"):
            stop_sequences(stop)
    else:
        assert stop_sequences(stop) == result


@pytest.mark.parametrize("stop", [[""], ["x", None], [7]])
def test_stop_sequences_that_are_none(stop):
    with pytest.raises(ValueError, match="stop must be"):
        stop_sequences(stop)


NAMED = Named("f")


@pytest.mark.parametrize(
    ("choice", "result"),
    [
        (None, None),
        (False, None),
        (True, "required"),
        ("any", "required"),
        ("required", "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("f", NAMED),
        (NAMED, NAMED),
        ({"type": "function", "function": {"name": "f"}}, NAMED),
        ({"function": {"name": "f"}}, NAMED),
        ({"type": "tool", "name": "f"}, NAMED),
        ({"name": "f"}, NAMED),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
    ],
)
def test_tool_choices(choice, result):
    assert tool_choice_of(choice) == result


@pytest.mark.parametrize(
    "choice", [{}, {"type": "function"}, {"name": ""}, {"name": 7}, ["f"], 7, 1, 0]
)
def test_tool_choices_that_are_none(choice):
    with pytest.raises(ValueError, match="tool_choice must be"):
        tool_choice_of(choice)


def test_words_of_other_services_are_checked_and_the_rest_is_sent():
    known, unknown = sorted_out({"do_sample": True, "seed": 1, "new": 2, "model": "m"})
    assert known == {"do_sample": True, "seed": 1, "model": "m"}
    assert unknown == {"new": 2}


@pytest.mark.parametrize(
    ("timeout", "result"),
    [
        (None, (10, 600, 600, 600)),
        (5, (5, 5, 5, 5)),
        (0.5, (0.5, 0.5, 0.5, 0.5)),
        (30, (10, 30, 30, 30)),
        ((1, 2), (1, 2, None, None)),
        ((1, None, 3, 4), (1, None, 3, 4)),
        (httpx.Timeout(7, read=None), (7, None, 7, 7)),
    ],
)
def test_timeouts(timeout, result):
    made = httpx_timeout(timeout)
    assert (made.connect, made.read, made.write, made.pool) == result


@pytest.mark.parametrize(
    "timeout", [0, -1, True, "5", float("nan"), (1,), (1, 2, 3, 4, 5), (1, "2"), (1, 0), (0, 1)]
)
def test_timeouts_that_are_none(timeout):
    with pytest.raises(ValueError, match="timeout is a number of seconds"):
        httpx_timeout(timeout)


@pytest.mark.parametrize("retries", [-1, 1.5, "2", True, None])
def test_numbers_of_retries_that_are_none(retries):
    with pytest.raises(ValueError, match="max_retries must be a whole number"):
        Settings(api_key="k", base_url="https://h", max_retries=retries)


@pytest.mark.parametrize("seconds", [0, -1, "5", True, float("nan")])
def test_stall_limits_that_are_none(seconds):
    with pytest.raises(ValueError, match="stall_timeout must be"):
        Settings(api_key="k", base_url="https://h", stall_timeout=seconds)


def test_settings_are_values():
    settings = Settings(api_key="k", base_url="https://h")
    assert settings == replace(settings)
