"""Mistakes in what is asked for are `ValueError`s, raised before any request."""

from typing import Any

import pytest

from .chat_peer import EMISSARY, ORQ, PLAYED, Peer, Played, answer, answers, ask

MISTAKES: list[tuple[str, Any]] = [
    ("max_retries", -1),
    ("max_retries", "many"),
    ("timeout", "30"),
    ("timeout", -1),
    ("timeout", (1, 2, 3, 4, 5)),
    ("stall_timeout", -1),
    ("extra_headers", "X-A: b"),
    ("extra_headers", {"X-A": 1}),
    ("extra_headers", {"X-A": "b\r\nX-B: c"}),
    ("default_headers", ["X-A"]),
    ("extra_body", "x"),
    ("model_kwargs", "x"),
    ("api_key", None),
    ("api_key", ""),
    ("api_key", 3),
    ("base_url", "service.test"),
    ("base_url", "https://service.test?x=1"),
    ("model", 3),
    ("model", ["m"]),
    ("stop", 3),
    ("stop", [""]),
    ("stop", [3]),
    ("tools", ["weather"]),
    ("tools", [{"name": "weather"}]),
    ("tools", {"name": "weather"}),
    ("max_tokens", "many"),
    ("temperature", float("nan")),
    ("temperature", True),
]


@pytest.mark.parametrize("how", ["invoke", "astream"])
@pytest.mark.parametrize("name", PLAYED)
@pytest.mark.parametrize(("field", "value"), MISTAKES)
def test_a_mistake_is_a_value_error_before_any_request(
    how: str, name: str, field: str, value: Any
) -> None:
    played: Played = PLAYED[name]
    peer = Peer([answers(how, played=played)])
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        ask(how, played.model(peer), **{field: value})
    assert peer.requests == []


@pytest.mark.parametrize("how", ["invoke", "stream"])
@pytest.mark.parametrize("n", ["2", 0, 1.5])
def test_a_wrong_number_of_answers_is_refused(how: str, n: Any) -> None:
    peer = Peer([answers(how)])
    with pytest.raises(ValueError, match="n "):
        ask(how, ORQ.model(peer), n=n)
    assert peer.requests == []


@pytest.mark.parametrize("field", ["tool_calling", "stream_mode"])
def test_a_mode_that_is_none_is_refused(field: str) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match=field):
        EMISSARY.model(peer).invoke("Hi", **{field: "magic"})
    with pytest.raises(ValueError, match=field):
        EMISSARY.model(peer, **{field: "magic"})
    assert peer.requests == []


def test_a_message_that_is_no_json_is_refused() -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match="JSON"):
        ORQ.model(peer).invoke("Hi", extra_body={"x": object()})
    with pytest.raises(ValueError, match="JSON"):
        ORQ.model(peer).invoke("half a pair: \ud83d")
    assert peer.requests == []


@pytest.mark.parametrize("schema", [{"type": "object", "properties": {}}, None])
def test_json_mode_needs_no_title(schema: Any) -> None:
    model = ORQ.model(Peer([answer('{"a": 1}')]))
    assert model.with_structured_output(schema, method="json_mode").invoke("Hi") == {"a": 1}
