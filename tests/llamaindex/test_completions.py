"""Base models: prompts are continued by the completions endpoints."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from llama_index.core import PromptTemplate
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from pydantic import BaseModel

from llamaindex.peer import HI, SERVICES, USAGE, Both, Peer, deployed, model, sse

PATHS = {
    "orq": "/v2/router/completions",
    "atoma": "/v1/completions",
    "emissary": "/v1/completions",
    "deployment": "/v1/projects/ms-1/deployments/dp-1/completions",
}


def continued(service: str, text: str = "hello", usage: Any = USAGE) -> httpx.Response:
    if service == "deployment":
        return deployed(text)
    choice = {"index": 0, "text": text, "finish_reason": "stop"}
    return httpx.Response(200, json={"id": "c-1", "choices": [choice], "usage": usage})


def streamed(*pieces: str) -> httpx.Response:
    events: list[Any] = [
        {"id": "c-1", "choices": [{"index": 0, "text": each, "finish_reason": None}]}
        for each in pieces
    ]
    events.append({"id": "c-1", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
    return sse(*events, {"id": "c-1", "choices": [], "usage": USAGE})


@pytest.mark.parametrize("service", SERVICES)
def test_a_prompt_goes_to_the_completions_endpoint_as_it_is(service: str, how: str) -> None:
    peer = Peer(continued(service))
    both = Both(how, model(service, peer, is_chat_model=False, max_tokens=5))
    answer = both.complete("Once upon a time")
    assert answer.text == "hello"
    assert peer.requests[0].url.path == PATHS[service]
    assert peer.body["prompt"] == "Once upon a time"
    assert "messages" not in peer.body
    assert 5 in peer.body.values()
    if service != "deployment":
        assert answer.raw["usage"] == USAGE


@pytest.mark.parametrize("service", SERVICES)
def test_a_conversation_is_told_as_a_prompt(service: str, how: str) -> None:
    peer = Peer(continued(service))
    llm = model(service, peer, is_chat_model=False)
    assert Both(how, llm).chat(HI).message.content == "hello"
    assert peer.body["prompt"] == "user: hi\nassistant: "
    own = model(
        service, peer, is_chat_model=False, messages_to_prompt=lambda said: f"<{said[0].content}>"
    )
    Both(how, own).chat(HI)
    assert peer.body["prompt"] == "<hi>"


@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_continuations_stream(service: str, how: str) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = model(
        service,
        Peer(streamed("hel", "lo")),
        is_chat_model=False,
        callback_manager=CallbackManager([counter]),
    )
    chunks = Both(how, llm).stream_complete("Say ")
    assert [chunk.text for chunk in chunks if chunk.delta] == ["hel", "hello"]
    assert chunks[-1].raw["usage"] == USAGE
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (7, 3)


@pytest.mark.parametrize("service", ["emissary", "deployment"])
def test_what_does_not_stream_comes_at_once(service: str, how: str) -> None:
    peer = Peer(continued(service))
    chunks = Both(how, model(service, peer, is_chat_model=False)).stream_complete("Say ")
    assert [chunk.delta for chunk in chunks if chunk.delta] == ["hello"]
    assert not {"stream", "streaming"} & peer.body.keys()


def test_is_no_chat_model_to_the_framework() -> None:
    metadata = model("deployment", is_chat_model=False).metadata
    assert not metadata.is_chat_model
    assert not metadata.is_function_calling_model


def test_predictions_keep_the_system_prompt(how: str) -> None:
    peer = Peer(continued("emissary"))
    llm = model("emissary", peer, is_chat_model=False, system_prompt="Be kind.")
    prompt = PromptTemplate("Which river flows through {town}?")
    if how == "sync":
        text = llm.predict(prompt, town="Prague")
    else:
        text = asyncio.run(llm.apredict(prompt, town="Prague"))
    assert text == "hello"
    assert peer.body["prompt"] == "Be kind.\n\nWhich river flows through Prague?"


class River(BaseModel):
    name: str


def test_objects_out_of_a_base_model(how: str) -> None:
    peer = Peer(continued("deployment", 'Here: {"name": "Vltava"}'))
    llm = model("deployment", peer, is_chat_model=False)
    prompt = PromptTemplate("Which river flows through {town}?")
    assert Both(how, llm).structured(River, prompt, town="Prague") == River(name="Vltava")


def test_stop_is_cut_here_too(how: str) -> None:
    peer = Peer(continued("deployment", "one two"))
    llm = model("deployment", peer, is_chat_model=False, stop=["w"])
    assert Both(how, llm).complete("count").text == "one t"
