"""The services' lists of models, through LangChain's models; profiles that are asked for."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from langchain_core.exceptions import ModelNotFoundError

from langchain_emissary import (
    AtomaEmbeddings,
    AtomaLLM,
    ChatAtoma,
    ChatEmissary,
    ChatOrq,
    EmissaryEmbeddings,
    EmissaryLLM,
    OrqEmbeddings,
    OrqLLM,
    OrqRerank,
)
from langchain_retrieval.retrieval_peer import BASE, DEPLOYED, KEY, Peer, example

CATALOGUE = example("orq.model-catalog.response.json")
OPEN = {
    "data": [
        {
            "id": "meta-llama/Llama-3.3-70B-Instruct",
            "name": "Llama",
            "context_length": 131072.0,
            "max_completion_tokens": 8192,
            "pricing": {"prompt": "0.1"},
        }
    ]
}


def made(cls, peer, **given):
    return cls(
        api_key=KEY, base_url=BASE, **(given or {"model": "openai/gpt-4o"}), **peer.clients()
    )


@pytest.mark.parametrize("cls", [ChatOrq, OrqLLM, OrqEmbeddings, OrqRerank])
def test_orqs_catalogue_to_the_last_page(do, cls):
    def page(_):
        after = parse_qs(urlsplit(str(peer.requests[-1].url)).query).get("starting_after", [None])[
            0
        ]
        ids = {None: ["a/1", "a/2"], "a/2": ["a/3"]}[after]
        return {"data": [{"id": each} for each in ids], "has_more": after is None}

    peer = Peer(page)
    cards = do(made(cls, peer), "list_models", provider="a", limit=2)
    assert [card.id for card in cards] == ["a/1", "a/2", "a/3"]
    first, second = (request.url for request in peer.requests)
    assert str(first) == f"{BASE}/v2/model-catalog?limit=2&provider=a"
    assert str(second) == f"{first}&starting_after=a%2F2"
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in peer.requests)
    assert all(request.method == "GET" for request in peer.requests)


def test_orqs_router_lists_what_the_key_may_use(do):
    peer = Peer(example("orq.models.response.json"))
    cards = do(made(ChatOrq, peer), "list_models", "models")
    assert [card.id for card in cards] == ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"]
    assert str(peer.requests[0].url) == f"{BASE}/v3/router/models"


@pytest.mark.parametrize("cls", [ChatAtoma, AtomaLLM, AtomaEmbeddings])
def test_atomas_two_lists(do, cls):
    peer = Peer(example("atoma.models.response.json"))
    assert len(do(made(cls, peer), "list_models")) == 2
    assert peer.requests[0].url.path == "/v1/models"
    peer = Peer(OPEN)
    (card,) = do(
        made(cls, peer, model="m", default_headers={"x-a": "b"}), "list_models", "open_router"
    )
    assert (card.context_window, card.max_output_tokens) == (131072, 8192)
    assert card.raw == OPEN["data"][0]
    (request,) = peer.requests
    assert request.url.path == "/v1/open_router/models"
    assert "authorization" not in request.headers, "the list is open: the key stays here"
    assert request.headers["x-a"] == "b"


@pytest.mark.parametrize("cls", [ChatEmissary, EmissaryLLM, EmissaryEmbeddings])
@pytest.mark.parametrize("given", [{"model": "m"}, DEPLOYED])
def test_emissarys_bare_array(do, cls, given):
    peer = Peer(example("emissary.models.response.json"))
    first, _ = do(made(cls, peer, **given), "list_models")
    assert first.id == "Llama-3.2-1B-Instruct"
    assert first.raw["parameter_template"] == {"max_new_tokens": 512, "temperature": 0.7}
    assert peer.requests[0].url.path == "/v1/models"
    assert peer.requests[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("listing", "filters"), [("nope", {}), (None, {"flavour": 1}), (None, {"limit": 0})]
)
def test_bad_lists_and_filters(do, listing, filters):
    peer = Peer()
    with pytest.raises(ValueError, match=r"nope|flavour|limit"):
        do(made(ChatOrq, peer), "list_models", listing, **filters)
    assert peer.requests == []


def test_nothing_is_asked_behind_the_users_back():
    peer = Peer()
    model = made(ChatOrq, peer)
    assert not model.profile
    assert peer.requests == []


def test_a_profile_on_request(do):
    peer = Peer(CATALOGUE)
    model = made(ChatOrq, peer, model="openai/gpt-4o", temperature=0.5)
    known = do(model, "with_profile_from_service")
    assert known.profile["max_input_tokens"] == 128000
    assert known.profile["tool_calling"] is True
    assert known.profile["image_inputs"] is True
    assert known.profile["audio_inputs"] is False
    assert known.temperature == 0.5
    assert not model.profile
    assert len(peer.requests) == 1


def test_what_is_known_already_stays(do):
    model = made(ChatOrq, Peer(CATALOGUE), model="openai/gpt-4o", profile={"tool_calling": False})
    profile = do(model, "with_profile_from_service").profile
    assert profile["tool_calling"] is False
    assert profile["max_input_tokens"] == 128000


def test_atomas_profile(do):
    model = made(ChatAtoma, Peer(OPEN), model=OPEN["data"][0]["id"])
    profile = do(model, "with_profile_from_service").profile
    assert profile == {"max_input_tokens": 131072, "max_output_tokens": 8192}


def test_a_model_that_is_not_listed(do):
    with pytest.raises(ModelNotFoundError, match="lists no model 'x/y'"):
        do(made(ChatOrq, Peer(CATALOGUE), model="x/y"), "with_profile_from_service")


def test_an_error_on_the_way(do):
    with pytest.raises(ModelNotFoundError):
        do(made(ChatOrq, Peer(httpx.Response(404))), "list_models")
