"""Where requests go, with which key and headers; what is missing is named."""

import asyncio
import warnings
from typing import Any

import httpx
import pytest

from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq

from .chat_peer import (
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    KEY,
    ORQ,
    PLAYED,
    Peer,
    Played,
    answer,
    answers,
    ask,
    said,
)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("where", ["constructor", "call", "extra_headers"])
def test_headers_arrive_as_headers(how: str, where: str) -> None:
    peer = Peer([answers(how)])
    headers = {"X-ORQ-CONTACT-ID": "c-1"}
    if where == "constructor":
        ask(how, ORQ.model(peer, default_headers=headers))
    elif where == "call":
        ask(how, ORQ.model(peer, default_headers={"X-Other": "o"}), extra_headers=headers)
        assert peer.request.headers["x-other"] == "o"
    else:
        ask(how, ORQ.model(peer, extra_headers=headers))
    assert peer.request.headers["x-orq-contact-id"] == "c-1"
    assert "headers" not in str(peer.body)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", PLAYED)
def test_the_request_goes_where_it_should_with_the_key(how: str, name: str) -> None:
    played = PLAYED[name]
    peer = Peer([answers(how, played=played)])
    ask(how, played.model(peer))
    assert peer.request.url == f"https://service.test{played.path}"
    assert peer.request.method == "POST"
    headers = peer.request.headers
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("emissary-integrations/")
    if played.name == "emissary":
        assert headers["x-api-key"] == KEY
        assert "authorization" not in headers
    else:
        assert headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("how", HOWS)
def test_model_key_and_address_can_come_with_a_call(how: str) -> None:
    peer = Peer([answers(how)])
    ask(how, ORQ.model(peer), model="a/b", api_key="other", base_url="https://other.test/v3/router")
    assert peer.body["model"] == "a/b"
    assert peer.request.headers["authorization"] == "Bearer other"
    assert peer.request.url == "https://other.test/v3/router/chat/completions"


@pytest.mark.parametrize("how", HOWS)
def test_a_call_can_go_to_the_other_of_emissarys_apis(how: str) -> None:
    peer = Peer([said("Hi") if "stream" in how else answer("Hi")])
    ask(how, DEPLOYMENT.model(peer), model="support-bot")
    assert peer.request.url.path == EMISSARY.path
    ask(how, EMISSARY.model(peer), project_id="ms-1", deployment_id="dp/1")
    assert peer.request.url.raw_path.decode() == DEPLOYMENT.path.replace("dp-1", "dp%2F1")
    assert "model" not in peer.body


OTHER_NAMES = {
    "model_name": (ChatOrq, "a/b", "model"),
    "stop_sequences": (ChatOrq, ["x"], "stop"),
    "request_timeout": (ChatOrq, 3, "timeout"),
    "orq_api_key": (ChatOrq, "k", "api_key"),
    "orq_api_base": (ChatOrq, "https://x.test", "base_url"),
    "atoma_api_key": (ChatAtoma, "k", "api_key"),
    "emissary_api_key": (ChatEmissary, "k", "api_key"),
    "emissary_base_url": (ChatEmissary, "https://x.test", "base_url"),
}


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_that_users_know(name: str) -> None:
    cls, value, field = OTHER_NAMES[name]
    given = {"model": "m", "api_key": "key"}
    given = {k: v for k, v in given.items() if k != field} | {name: value}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = cls(**given)
    got = getattr(model, field)
    assert (got.get_secret_value() if field == "api_key" else got) == value
    assert model.model_name == model.model


@pytest.mark.parametrize("name", ["model_name", "stop_sequences", "request_timeout"])
def test_other_names_work_with_a_call_too(name: str) -> None:
    value = {"model_name": "a/b", "stop_sequences": ["x"], "request_timeout": 3}[name]
    peer = Peer([answer()])
    ORQ.model(peer).invoke("Hi", **{name: value})
    shown = {"model_name": "model", "stop_sequences": "stop"}
    if name in shown:
        assert peer.body[shown[name]] == value
    else:
        assert peer.request.extensions["timeout"]["read"] == 3


@pytest.fixture
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMISSARY_API_KEY", "EMISSARY_CLIENT_API_KEY", "EMISSARY_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("EMISSARY_DEPLOYMENT_ID", "ORQ_API_KEY", "ATOMA_API_KEY", "ATOMASDK_BEARER_AUTH"):
        monkeypatch.delenv(name, raising=False)


MISSING = [
    (ChatOrq, {"model": "a/b"}, ("api_key", "ORQ_API_KEY")),
    (ChatAtoma, {"model": "a/b"}, ("api_key", "ATOMA_API_KEY", "ATOMASDK_BEARER_AUTH")),
    (ChatEmissary, {"model": "m"}, ("api_key", "EMISSARY_API_KEY", "EMISSARY_CLIENT_API_KEY")),
    (
        ChatEmissary,
        {"api_key": "k"},
        ("model", "project_id", "EMISSARY_PROJECT_ID", "deployment_id", "EMISSARY_DEPLOYMENT_ID"),
    ),
    (
        ChatEmissary,
        {"api_key": "k", "project_id": "p"},
        ("deployment_id", "EMISSARY_DEPLOYMENT_ID"),
    ),
    (ChatEmissary, {"api_key": "k", "deployment_id": "d"}, ("project_id", "EMISSARY_PROJECT_ID")),
    (ChatOrq, {"api_key": "k"}, ("model",)),
    (ChatAtoma, {"api_key": "k"}, ("model",)),
    (ChatOrq, {"api_key": "", "model": "m"}, ("API key",)),
]


@pytest.mark.usefixtures("_bare")
@pytest.mark.parametrize(("cls", "given", "names"), MISSING)
def test_what_is_missing_is_named_with_its_variable(cls: Any, given: Any, names: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - all names are checked
        cls(**given)
    for name in names:
        assert name in str(caught.value)


@pytest.mark.usefixtures("_bare")
def test_keys_and_ids_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMISSARY_CLIENT_API_KEY", "second")
    monkeypatch.setenv("EMISSARY_PROJECT_ID", "ms-1")
    monkeypatch.setenv("EMISSARY_DEPLOYMENT_ID", "dp-1")
    model = ChatEmissary()
    assert (model.project_id, model.deployment_id) == ("ms-1", "dp-1")
    assert model.api_key is not None
    assert model.api_key.get_secret_value() == "second"
    monkeypatch.setenv("EMISSARY_API_KEY", "first")
    named = ChatEmissary(model="m")
    assert named.deployment_id is None
    assert named.api_key is not None
    assert named.api_key.get_secret_value() == "first"


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_key_with_a_trailing_newline_works(played: Played) -> None:
    peer = Peer([answers("invoke", played=played)])
    played.model(peer, api_key=f"{KEY}\n").invoke("Hi")
    assert KEY in (peer.request.headers.get("x-api-key") or peer.request.headers["authorization"])


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("key", [f"{KEY}\nX-Evil: 1", f"{KEY}é", f"{KEY}\x00"])
def test_a_key_that_can_not_be_sent_is_refused_unseen(played: Played, key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        played.model(Peer([answer()]), api_key=key)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="API key") as called:
        played.model(Peer([answer()])).invoke("Hi", api_key=key)
    assert "secret" not in str(called.value)


def test_async_calls_of_one_model_in_several_loops() -> None:
    model = ORQ.model(Peer([answer()]))
    for _ in range(3):
        assert asyncio.run(model.ainvoke("Hi")).content == "The Vltava."


def unwanted(request: httpx.Request) -> httpx.Response:
    raise AssertionError("the other client was asked")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_async_calls_are_made_by_the_async_client_and_sync_by_the_sync(
    how: str, played: Played
) -> None:
    model = played.model(Peer([answers(how, played=played)]))
    transport = httpx.MockTransport(unwanted)
    given = {name: getattr(model, name) for name in type(model).model_fields}
    other = (
        {"http_client": httpx.Client(transport=transport)}
        if how.startswith("a")
        else {"http_async_client": httpx.AsyncClient(transport=transport)}
    )
    assert ask(how, type(model)(**given | other)).content == "The Vltava."
