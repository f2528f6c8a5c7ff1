"""Where the key goes: not in the open, not elsewhere, not to another path."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from emissary_transport import (
    EMISSARY_DEPLOYMENT,
    ORQ,
    AsyncClient,
    Call,
    Client,
    Connections,
    Message,
    Settings,
)
from langchain_emissary import ChatOrq, OrqEmbeddings, OrqLLM
from llamaindex_emissary import Orq, OrqEmbedding, OrqRerank

from .echo_server import KEY

CALL = Call(model="m", messages=(Message("user", "Hi"),))
OPEN = [
    "http://api.orq.ai",
    "HTTP://api.orq.ai",
    " http://api.orq.ai ",
    "http://orq",
    "http://10.0.0.1:8484",
    "http://192.168.0.1",
    "http://0.0.0.0",
    "http://[::]",
    "http://[fe80::1]",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "http://127.0.0.1@example.com",
    "http://example.com#127.0.0.1",
    "http://example.com?localhost",
    "http://example.com\\@localhost",
    "http://2130706433.example",
    "http://127.1.example",
]
PRIVATE = [
    "https://api.orq.ai",
    "http://localhost",
    "http://LOCALHOST:8484/orq",
    "http://localhost./orq",
    "http://127.0.0.1:8484",
    "http://127.8.9.10",
    "http://[::1]:8484",
]
MODELS = [
    (ChatOrq, "base_url"),
    (OrqLLM, "base_url"),
    (OrqEmbeddings, "base_url"),
    (Orq, "api_base"),
    (OrqEmbedding, "api_base"),
    (OrqRerank, "api_base"),
]


@pytest.mark.parametrize("address", OPEN)
def test_the_key_is_not_sent_in_the_open(address: str) -> None:
    with pytest.raises(ValueError, match=r"allow_http=True|can't hold|must start"):
        Client(ORQ, Settings(api_key=KEY, base_url=address)).chat(CALL)


def test_the_error_names_the_option_and_the_host() -> None:
    with pytest.raises(ValueError, match=r"h\.example.*https://.*allow_http=True"):
        Settings(api_key=KEY, base_url="http://h.example/path")


@pytest.mark.parametrize("address", PRIVATE)
def test_to_this_machine_or_by_tls_it_is(address: str) -> None:
    assert Settings(api_key=KEY, base_url=address).base_url == address


@pytest.mark.parametrize(("cls", "where"), MODELS, ids=lambda each: getattr(each, "__name__", ""))
def test_models_take_the_option_and_keep_to_it(cls: Any, where: str, monkeypatch: Any) -> None:
    given = {"model": "a/b", "api_key": KEY}
    with pytest.raises(ValueError, match="allow_http=True"):
        cls(**given, **{where: "http://h.example"})
    monkeypatch.setenv("ORQ_BASE_URL", "http://h.example")
    with pytest.raises(ValueError, match="allow_http=True"):
        cls(**given)
    assert cls(**given, allow_http=True).allow_http
    assert cls(**given, **{where: "http://localhost:1"}).allow_http is False


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_a_call_can_not_send_it_in_the_open_either(how: str) -> None:
    model = ChatOrq(model="a/b", api_key=KEY, **clients())
    with pytest.raises(ValueError, match="allow_http=True"):
        list(getattr(model, how)("Hi", base_url="http://h.example"))
    assert model.invoke("Hi", base_url="http://h.example", allow_http=True).text == "hi"


def clients() -> dict[str, Any]:
    """A client of the user's own, which answers all."""
    message = {"role": "assistant", "content": "hi"}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    return {
        "http_client": httpx.Client(transport=transport),
        "http_async_client": httpx.AsyncClient(transport=transport),
    }


@pytest.mark.parametrize("cls", [Client, AsyncClient])
@pytest.mark.parametrize(
    "address", ["https://user:password@h.example", "http://user@localhost", "https://@h.example"]
)
def test_an_address_holds_no_password(cls: Any, address: str) -> None:
    with pytest.raises(ValueError, match="can't hold a user name or password") as caught:
        ORQ.url(address, ORQ.path)
    assert "h.example" not in str(caught.value)
    for model, where in MODELS:
        with pytest.raises(ValueError, match="can't hold a user name or password") as caught:
            model(model="a/b", api_key=KEY, **{where: address})
        assert "user:password" not in str(caught.value)


# --- ids in paths ---

REFUSED = [
    "..",
    ".",
    "../x",
    "x/../../y",
    "x/..",
    "./x",
    "..\\x",
    "x\\..\\y",
    "%2e%2e",
    "%2E%2e/x",
    "%2e",
    "..%2fx",
    "x%5c..",
    "x/ .. /y",
    "",
    " ",
    "\t",
    "a\nb",
    "a\r\nHost: x",
    "a\x00b",
    "a\x7fb",
]
ENCODED = {
    "a/b": "a%2Fb",
    "a\\b": "a%5Cb",
    "a?b": "a%3Fb",
    "a#b": "a%23b",
    "a b": "a%20b",
    "a;b": "a%3Bb",
    "a%2Fb": "a%252Fb",
    "a%00b": "a%2500b",
    "{model}": "%7Bmodel%7D",
    "a@b:1": "a%40b%3A1",
    "č": "%C4%8D",
    "a\u2028b": "a%E2%80%A8b",
    "...": "...",
}


def addressed(**ids: str) -> httpx.Request:
    """The request that goes out for these ids."""
    seen: list[httpx.Request] = []

    def peer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"response": "hi"})

    own = Connections(httpx.Client(transport=httpx.MockTransport(peer)))
    settings = Settings(api_key=KEY, base_url="https://h.example")
    call = Call(messages=CALL.messages, path=ids)
    Client(EMISSARY_DEPLOYMENT, settings, own).chat(call)
    return seen[0]


@pytest.mark.parametrize("name", ["project_id", "deployment_id"])
@pytest.mark.parametrize("given", REFUSED)
def test_an_id_that_leads_elsewhere_is_refused(given: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        addressed(**{"project_id": "p", "deployment_id": "d", name: given})


@pytest.mark.parametrize("given", ENCODED)
def test_an_id_stays_in_its_segment_on_the_wire(given: str) -> None:
    path = addressed(project_id=given, deployment_id="d").url.raw_path.decode()
    segments = path.split("/")
    assert len(segments) == 8
    assert segments[:3] == ["", "v1", "projects"]
    assert segments[4:] == ["deployments", "d", "chat", "completions"]
    assert segments[3] == ENCODED[given]
