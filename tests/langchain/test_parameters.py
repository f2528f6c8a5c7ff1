"""Every documented field: by the constructor and with a call, under its documented name."""

from typing import Any

import httpx
import pytest

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    ORQ,
    PLAYED,
    Peer,
    Played,
    answer,
    answers,
    ask,
)

TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
}


COMMON = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 64}


OPENAI = {
    **COMMON,
    "frequency_penalty": 0.5,
    "presence_penalty": -0.5,
    "n": 1,
    "stop": ["END"],
    "logprobs": True,
    "top_logprobs": 3,
    "max_completion_tokens": 64,
    "stream_options": {"include_usage": False},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
    "tools": [TOOL],
    "tool_choice": "auto",
}


ORQ_FIELDS = {
    **OPENAI,
    "top_k": 40,
    "reasoning_effort": "low",
    "thinking": {"type": "disabled"},
    "verbosity": "low",
    "name": "trace-1",
    "prompt_cache_key": "k",
    "metadata": {"ticket": "42"},
    "modalities": ["text"],
    "audio": {"voice": "alloy", "format": "wav"},
    "fallbacks": [{"model": "anthropic/claude-sonnet-4-5"}],
    "retry": {"count": 3, "on_codes": [429]},
    "cache": {"type": "exact_match", "ttl": 1800},
    "load_balancer": {"type": "weight_based", "models": [{"model": "a/b", "weight": 0.5}]},
    "timeout": {"call_timeout": 30000},
    "guardrails": [{"id": "g", "execute_on": "input"}],
    "plugins": [{"id": "p"}],
    "variables": {"unit": "celsius"},
    "cache_control": {"type": "ephemeral", "ttl": "5m"},
    "orq": {"thread": {"id": "t"}},
}


ATOMA_FIELDS = {
    **OPENAI,
    "logit_bias": {"123": 0.5},
    "service_tier": "auto",
    "user": "user-1",
    "functions": [{"name": "f"}],
    "function_call": "auto",
}


EMISSARY_FIELDS = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "max_tokens": 64,
    "max_completion_tokens": 64,
}


DEPLOYMENT_FIELDS = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "max_new_tokens": 64,
    "no_repeat_ngram_size": 2,
    "do_sample": True,
}


FIELDS = [
    *((ORQ, name, value) for name, value in ORQ_FIELDS.items()),
    *((ATOMA, name, value) for name, value in ATOMA_FIELDS.items()),
    *((EMISSARY, name, value) for name, value in EMISSARY_FIELDS.items()),
    *((DEPLOYMENT, name, value) for name, value in DEPLOYMENT_FIELDS.items()),
]


SENT_AS = {(ATOMA, "max_tokens"): "max_completion_tokens"}


STREAM_ONLY = {"stream_options"}


TOOLS_ONLY = {"parallel_tool_calls", "tool_choice"}


def field_id(value: Any) -> str:
    if isinstance(value, Played):
        return next(name for name, played in PLAYED.items() if played is value)
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize("where", ["constructor", "call", "bound", "model_kwargs"])
@pytest.mark.parametrize(("played", "name", "value"), FIELDS, ids=field_id)
def test_a_documented_field_arrives(where: str, played: Played, name: str, value: Any) -> None:
    how = "stream" if name in STREAM_ONLY else "invoke"
    peer = Peer([answers(how, played=played)])
    more: dict[str, Any] = {"tools": [TOOL]} if name in TOOLS_ONLY else {}
    if where == "constructor":
        model = played.model(peer, **{name: value})
    elif where == "model_kwargs":
        model = played.model(peer, model_kwargs={name: value})
    else:
        model = played.model(peer)
    if where == "call":
        more[name] = value
    if where == "bound":
        model = model.bind(**{name: value})
    ask(how, model, **more)
    assert peer.body[SENT_AS.get((played, name), name)] == value


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["metadata", "cache", "timeout", "name"])
def test_fields_that_langchain_knows_too_arrive_by_every_way(how: str, name: str) -> None:
    peer = Peer([answers(how)])
    ask(how, ORQ.model(peer), **{name: ORQ_FIELDS[name]})
    assert peer.body[name] == ORQ_FIELDS[name]


@pytest.mark.parametrize("name", ["metadata", "cache", "timeout"])
def test_orqs_own_fields_have_a_second_name(name: str) -> None:
    value = ORQ_FIELDS[name]
    peer = Peer([answer()])
    ORQ.model(peer, **{f"router_{name}": value}).invoke("Hi")
    ORQ.model(peer).invoke("Hi", **{f"router_{name}": value})
    assert [body[name] for body in peer.bodies] == [value, value]


@pytest.mark.parametrize(
    "called", ["metadata", "router_metadata", "cache", "router_cache", "router_timeout"]
)
def test_none_with_a_call_unsets_orqs_own_fields(called: str) -> None:
    name = called.removeprefix("router_")
    peer = Peer([answer()])
    ORQ.model(peer, **{name: ORQ_FIELDS[name]}).invoke("Hi", **{called: None})
    assert name not in peer.body


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_timeout_in_seconds_is_ours(how: str, played: Played) -> None:
    peer = Peer([answers(how, played=played)])
    ask(how, played.model(peer, timeout=50), timeout=5)
    assert "timeout" not in peer.body
    assert peer.request.extensions["timeout"]["read"] == 5


def test_a_timeout_of_orq_leaves_ours_alone() -> None:
    peer = Peer([answer()])
    ORQ.model(peer, timeout=50).invoke("Hi", timeout={"call_timeout": 9})
    assert peer.body["timeout"] == {"call_timeout": 9}
    assert peer.request.extensions["timeout"]["read"] == 50


@pytest.mark.parametrize(
    "timeout", [30, 30.0, (5, 30, 5, 5), [5, 30, 5, 5], httpx.Timeout(30, connect=5)], ids=str
)
def test_a_timeout_of_every_form(timeout: Any) -> None:
    peer = Peer([answer()])
    ORQ.model(peer, timeout=timeout).invoke("Hi")
    assert peer.request.extensions["timeout"]["read"] == 30


def test_tracing_metadata_goes_to_orq_too_as_text() -> None:
    peer = Peer([answer()])
    model = ORQ.model(peer, metadata={"ticket": 42, "team": "ai"})
    model.invoke("Hi")
    assert model.metadata["ticket"] == 42
    assert peer.body["metadata"] == {"ticket": "42", "team": "ai"}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_the_call_wins_and_none_unsets(how: str, played: Played) -> None:
    peer = Peer([answers(how, played=played)])
    model = played.model(peer, temperature=0.5, top_p=0.5)
    ask(how, model, temperature=0.0, top_p=None)
    assert peer.body["temperature"] == 0.0
    assert "top_p" not in peer.body
    ask(how, model)
    assert (peer.body["temperature"], peer.body["top_p"]) == (0.5, 0.5)


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("instance", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("called", ["max_tokens", "max_completion_tokens"])
def test_a_limit_with_the_call_replaces_the_models(
    played: Played, instance: str, called: str
) -> None:
    peer = Peer([answer()])
    played.model(peer, **{instance: 100}).invoke("Hi", **{called: 5})
    limits = {k: v for k, v in peer.body.items() if k.startswith("max_")}
    assert list(limits.values()) == [5]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_an_unknown_field_with_a_call_is_refused(how: str, played: Played) -> None:
    peer = Peer([answers(how, played=played)])
    with pytest.raises(ValueError, match="'wisdom'"):
        ask(how, played.model(peer), wisdom=1)
    assert peer.requests == []


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_an_unknown_field_of_the_constructor_warns_and_is_sent(played: Played) -> None:
    peer = Peer([answers("invoke", played=played)])
    with pytest.warns(UserWarning, match="wisdom") as caught:
        model = played.model(peer, wisdom=1)
    assert caught[0].filename.endswith("chat_peer.py")
    assert model.model_kwargs == {"wisdom": 1}
    model.invoke("Hi")
    assert peer.body["wisdom"] == 1


FOREIGN = [(EMISSARY, {"n": 2}), (ATOMA, {"top_k": 3}), (DEPLOYMENT, {"user": "u"})]


@pytest.mark.parametrize(("played", "field"), FOREIGN, ids=["emissary", "atoma", "deployment"])
def test_a_field_that_only_another_service_knows_is_refused(played: Played, field: Any) -> None:
    [name] = field
    peer = Peer([answers("invoke", played=played)])
    with pytest.warns(UserWarning, match=name):
        model = played.model(peer, **field)
    with pytest.raises(ValueError, match=f"'{name}'"):
        model.invoke("Hi")
    with pytest.raises(ValueError, match=f"'{name}'"):
        played.model(peer).invoke("Hi", **field)
    assert peer.requests == []


@pytest.mark.parametrize("name", ["seed", "logprobs", "stop"])
def test_emissary_lacks_what_others_have_but_not_stop(name: str) -> None:
    peer = Peer([answer("a b c")])
    value = {"seed": 1, "logprobs": True, "stop": [" b"]}[name]
    if name == "stop":
        assert EMISSARY.model(peer, stop=value).invoke("Hi").content == "a"
        assert "stop" not in peer.body
        return
    with pytest.raises(ValueError, match=f"'{name}'"):
        EMISSARY.model(peer).invoke("Hi", **{name: value})


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_extra_body_is_sent_over_everything_and_keeps_model_kwargs(played: Played) -> None:
    peer = Peer([answers("invoke", played=played)])
    model = played.model(peer, model_kwargs={"a": 1}, extra_body={"b": 2}, temperature=0.5)
    model.invoke("Hi")
    assert (peer.body["a"], peer.body["b"]) == (1, 2)
    model.invoke("Hi", extra_body={"c": 3, "temperature": 2})
    assert (peer.body["a"], peer.body["c"], peer.body["temperature"]) == (1, 3, 2)
    assert "b" not in peer.body
    model.invoke("Hi", model_kwargs={"d": 4, "top_p": 0.5})
    assert (peer.body["b"], peer.body["d"], peer.body["top_p"]) == (2, 4, 0.5)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_wrong_value_is_refused_before_any_request(played: Played) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match="temperature"):
        played.model(peer).invoke("Hi", temperature="hot")
    with pytest.raises(ValueError, match=r"max_tokens|max_new_tokens"):
        played.model(peer).invoke("Hi", max_tokens=1.5)
    assert peer.requests == []


def test_a_float_that_is_whole_goes_out_as_a_whole_number() -> None:
    peer = Peer([answer()])
    ORQ.model(peer, max_tokens=64, top_k=40.0, seed=7).invoke("Hi", max_tokens=32.0)
    assert '"top_k":40,' in peer.request.content.decode() + ","
    assert (peer.body["max_tokens"], peer.body["seed"]) == (32, 7)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_minimal_request_holds_nothing_that_was_not_asked_for(played: Played) -> None:
    peer = Peer([answers("invoke", played=played)])
    played.model(peer, stop=[]).invoke("Hi")
    model = {} if played is DEPLOYMENT else {"model": played.params["model"]}
    assert peer.body == {"messages": [{"role": "user", "content": "Hi"}], **model}
