"""Calls into the requests that each service documents: fields, limits, streams, examples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    ORQ,
    Call,
    Message,
    ToolCall,
)
from emissary_transport.exchange import Exchange
from emissary_transport.service import call_body
from emissary_transport.services import CHATS
from pure.documented import (
    DOCUMENTED,
    IDS,
    ORQ_SEED,
    SCHEMAS,
    UNDOCUMENTED,
    WORDS,
    body_of,
    call,
    must_fit,
    schema,
)
from pure.examples import example

FIELDS = {
    ATOMA.title: {
        "frequency_penalty": -2.0,
        "presence_penalty": 2,
        "temperature": 0.0,
        "top_p": 0.5,
        "max_completion_tokens": 9,
        "max_tokens": 9,
        "n": 2,
        "seed": -1,
        "functions": [{"name": "f"}],
        "function_call": "auto",
        "logit_bias": {"1": -1.5},
        "logprobs": True,
        "top_logprobs": 3,
        "service_tier": "auto",
        "user": "u",
    },
    EMISSARY.title: {
        "temperature": 0.5,
        "top_p": 0.5,
        "top_k": 5,
        "max_tokens": 9,
        "max_completion_tokens": 9,
    },
    EMISSARY_DEPLOYMENT.title: {
        "temperature": 0.5,
        "top_p": 1,
        "top_k": 5,
        "max_new_tokens": 9,
        "no_repeat_ngram_size": 2,
        "do_sample": False,
    },
    ORQ.title: {
        "frequency_penalty": -2,
        "presence_penalty": 2.0,
        "max_tokens": 9,
        "max_completion_tokens": 9,
        "temperature": 2,
        "top_p": 0,
        "top_k": 5,
        "seed": 7,
        "n": 2,
        "logprobs": True,
        "top_logprobs": 20,
        "reasoning_effort": "low",
        "thinking": {"type": "enabled", "budget_tokens": 9},
        "verbosity": "low",
        "name": "trace",
        "prompt_cache_key": "k",
        "metadata": {"a": "b"},
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "mp3"},
        "fallbacks": [{"model": "openai/gpt-4o"}],
        "retry": {"count": 2, "on_codes": [429]},
        "cache": {"type": "exact_match", "ttl": 60},
        "load_balancer": {"type": "weight_based", "models": [{"model": "m", "weight": 0.5}]},
        "timeout": {"call_timeout": 1000},
        "guardrails": [{"id": "x", "execute_on": "input"}],
        "plugins": [],
        "variables": {"a": 1},
        "cache_control": {"type": "ephemeral"},
        "orq": {},
    },
}
BY_FIELD = [
    (service, name, value)
    for service in DOCUMENTED
    for name, value in FIELDS[service.title].items()
]


TYPED = [case for case in BY_FIELD if case[0].fields[case[1]].kind != "any"]


@pytest.mark.parametrize("service", DOCUMENTED, ids=lambda service: service.title)
def test_every_documented_field_is_known(service):
    _, properties = schema(*SCHEMAS[service.title])
    extra = {name for title, name in UNDOCUMENTED if title == service.title} - {"stream"}
    assert FIELDS[service.title].keys() == (properties - WORDS) | extra
    assert service.fields.keys() - WORDS == FIELDS[service.title].keys()


@pytest.mark.parametrize(
    ("service", "name", "value"), BY_FIELD, ids=lambda p: getattr(p, "title", p)
)
def test_a_field_goes_out_under_its_documented_name(service, name, value):
    bare = body_of(service)
    body = body_of(service, options={name: value})
    assert body == bare | {name: value}
    assert type(body[name]) is type(value)
    assert body_of(service, options={name: None}) == bare


@pytest.mark.parametrize(
    ("service", "bare"),
    [
        (ATOMA, {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        (ORQ, {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        (EMISSARY, {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        (EMISSARY_DEPLOYMENT, {"messages": [{"role": "user", "content": "hi"}]}),
    ],
)
def test_what_is_unset_is_left_out(service, bare):
    assert body_of(service) == bare


@pytest.mark.parametrize(("service", "name", "value"), TYPED, ids=lambda p: getattr(p, "title", p))
def test_a_value_of_the_wrong_type_is_refused(service, name, value):
    wrong = "secret" if not isinstance(value, str) else 5
    with pytest.raises(ValueError, match=rf"^{name} must be") as caught:
        body_of(service, options={name: wrong})
    assert "secret" not in str(caught.value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for odd in (True, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=rf"^{name} must be"):
                body_of(service, options={name: odd})


INTEGERS = [
    (service, name)
    for service, name, value in BY_FIELD
    if type(value) is int and service.fields[name].kind in {"integer", "count"}
]


@pytest.mark.parametrize(("service", "name"), INTEGERS, ids=lambda p: getattr(p, "title", p))
def test_whole_numbers_go_out_as_such(service, name):
    body = body_of(service, options={name: 3.0})
    assert json.dumps(body[name]) == "3"


@pytest.mark.parametrize(
    ("service", "name", "value", "told"),
    [
        (ORQ, "temperature", 2.1, "at most 2"),
        (ORQ, "temperature", -0.1, "at least 0"),
        (ORQ, "top_p", 1.1, "at most 1"),
        (ORQ, "frequency_penalty", -3, "at least -2"),
        (ORQ, "max_completion_tokens", 0, "at least 1"),
        (ORQ, "n", 0, "at least 1"),
        (ORQ, "top_logprobs", 21, "at most 20"),
        (ORQ, "max_tokens", 1.5, "a whole number"),
        (EMISSARY_DEPLOYMENT, "do_sample", 1, "true or false"),
    ],
)
def test_a_value_out_of_range_is_refused(service, name, value, told):
    with pytest.raises(ValueError, match=told):
        body_of(service, options={name: value})


def test_a_count_may_be_no_whole_number():
    assert body_of(ORQ, options={"top_k": 2.5})["top_k"] == 2.5


LIMITS = [(ATOMA, "max_completion_tokens"), (ORQ, "max_tokens"), (EMISSARY, "max_tokens")]
LIMITS += [(EMISSARY_DEPLOYMENT, "max_new_tokens")]


@pytest.mark.parametrize(("service", "name"), LIMITS, ids=lambda p: getattr(p, "title", p))
def test_max_tokens_becomes_what_the_service_calls_it(service, name):
    for limit in (64, 64.0):
        body = body_of(service, max_tokens=limit)
        assert {key: json.dumps(body[key]) for key in body if "max" in key} == {name: "64"}
    with pytest.raises(ValueError, match="max_tokens must be a whole number"):
        body_of(service, max_tokens="64")


@pytest.mark.parametrize(
    ("service", "name"),
    [(ATOMA, "max_tokens"), (ORQ, "max_completion_tokens"), (EMISSARY, "max_completion_tokens")],
)
def test_a_limit_by_its_own_name_replaces_max_tokens(service, name):
    body = body_of(service, max_tokens=9, options={name: 5})
    assert {key: body[key] for key in body if "max" in key} == {name: 5}


@pytest.mark.parametrize(
    ("service", "name"),
    [
        (EMISSARY, "seed"),
        (EMISSARY, "do_sample"),
        (EMISSARY_DEPLOYMENT, "max_tokens"),
        (EMISSARY_DEPLOYMENT, "stream_options"),
        (ATOMA, "top_k"),
        (ORQ, "user"),
        (ORQ, "do_sample"),
    ],
)
def test_a_field_that_a_service_lacks_is_refused(service, name):
    with pytest.raises(ValueError, match=f"{service.title} documents no field '{name}'"):
        body_of(service, options={name: 1})


def test_extra_body_is_sent_as_it_is():
    body = call_body(EMISSARY, call(options={"top_k": 5}, extra_body={"top_k": "x", "new": None}))
    assert (body["top_k"], body["new"]) == ("x", None)


@pytest.mark.parametrize("service", CHATS, ids=lambda service: service.title)
def test_how_a_stream_is_asked_for(service):
    body = body_of(service, stream=True)
    asked = {key: value for key, value in body.items() if key.startswith("stream")}
    expected = {
        "Atoma": {"stream": True, "stream_options": {"include_usage": True}},
        "Orq": {"stream": True, "stream_options": {"include_usage": True}},
        "Emissary": {"stream": True},
        "Emissary's deployment API": {"streaming": True},
    }
    assert asked == expected[service.title]
    assert not any(key.startswith("stream") for key in body_of(service))


@pytest.mark.parametrize("service", [ATOMA, ORQ])
def test_usage_in_a_stream_can_be_turned_off(service):
    own = {"stream_options": {"include_usage": False}}
    assert "stream_options" not in body_of(service, stream=True, usage=False)
    assert body_of(service, stream=True, options=own)["stream_options"] == own["stream_options"]
    assert "stream_options" not in body_of(service, options=own)


@pytest.mark.parametrize(
    ("service", "count", "sent"),
    [
        (ATOMA, 1, True),
        (ATOMA, 4, True),
        (ATOMA, 5, False),
        (ORQ, 4, True),
        (ORQ, 5, False),
        (EMISSARY, 1, False),
        (EMISSARY_DEPLOYMENT, 1, False),
    ],
)
def test_stop_is_sent_where_the_service_takes_that_many(service, count, sent):
    stop = tuple("abcdef"[:count])
    assert body_of(service, stop=stop).get("stop") == (list(stop) if sent else None)


def test_what_is_missing_is_an_error():
    for service in (ATOMA, ORQ, EMISSARY):
        with pytest.raises(ValueError, match="needs a model"):
            body_of(service, model="")
    for service in CHATS:
        with pytest.raises(ValueError, match="at least one message"):
            Exchange(service, Call(messages=(), model="m", path=IDS))


EXAMPLES = {
    "atoma.chat.request-json-schema.json": ATOMA,
    "atoma.chat.request-multimodal.json": ATOMA,
    "atoma.chat.request-seed-full.json": ATOMA,
    "atoma.chat.request-stream.json": ATOMA,
    "atoma.chat.request-tool-roundtrip.json": ATOMA,
    "emissary.chat.request-minimal.json": EMISSARY,
    "emissary.chat.request.json": EMISSARY,
    "emissary.deployment-chat.request-minimal.json": EMISSARY_DEPLOYMENT,
    "emissary.deployment-chat.request-streaming.json": EMISSARY_DEPLOYMENT,
    "emissary.deployment-chat.request.json": EMISSARY_DEPLOYMENT,
    "orq.router-chat.request-current.json": ORQ,
    "orq.router-chat.request-seed-minimal.json": ORQ,
    "orq.router-chat.request-seed-parts.json": ORQ,
    "orq.router-chat.request-seed-tools.json": ORQ,
}
SAME = {"stream": False, "streaming": False}


@pytest.mark.parametrize(("name", "service"), EXAMPLES.items(), ids=EXAMPLES)
def test_the_wires_own_requests_can_be_made(name, service):
    wanted = json.loads(example(name))
    rest = {key: value for key, value in wanted.items() if key not in WORDS}
    choice = wanted.get("tool_choice")
    body = body_of(
        service,
        *map(as_message, wanted["messages"]),
        model=wanted.get("model", ""),
        stream=bool(wanted.get("stream") or wanted.get("streaming")),
        usage="stream_options" in wanted,
        stop=tuple(wanted.get("stop", ())),
        tools=tuple(wanted.get("tools", ())),
        tool_choice=choice,
        parallel_tool_calls=wanted.get("parallel_tool_calls"),
        response_format=wanted.get("response_format"),
        options=rest,
    )
    for message in wanted["messages"]:
        if message.get("content", "") is None:  # Orq takes it absent as well
            del message["content"]
        elif isinstance(message.get("content"), list) and len(message["content"]) == 1:
            message["content"] = message["content"][0]["text"]
    assert SAME | body == SAME | wanted
    if "seed" in name and service is ORQ:
        must_fit(body, *ORQ_SEED)


def as_message(wanted):
    content = wanted.get("content") or ""
    return Message(
        wanted["role"],
        content if isinstance(content, str) else tuple(content),
        name=wanted.get("name"),
        tool_calls=tuple(
            ToolCall(each["id"], each["function"]["name"], each["function"]["arguments"])
            for each in wanted.get("tool_calls", ())
        ),
        tool_call_id=wanted.get("tool_call_id"),
    )


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_option_is_sent_or_a_value_error(value):
    for name in ("temperature", "seed", "logit_bias", "user", "n"):
        try:
            assert body_of(ATOMA, options={name: value}).keys() >= {"model"}
        except ValueError:
            continue
