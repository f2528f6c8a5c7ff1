"""LlamaIndex's LLMs with `is_chat_model=False`: the completions endpoints; and lists of models."""

import asyncio

import pytest
from llama_index.core.llms import ChatMessage

from emissary_transport.errors import NotFound
from langchain_retrieval.retrieval_peer import (
    BASE,
    DEPLOYED,
    KEY,
    TEXT_PATHS,
    Peer,
    example,
    stream_example,
)
from llamaindex_emissary import Atoma, AtomaEmbedding, Emissary, Orq, OrqRerank

PROMPT = "The river that flows through Prague is"
CLASSES = {"orq": Orq, "atoma": Atoma, "emissary": Emissary, "deployment": Emissary}
MODELS = {
    "orq": {"model": "openai/gpt-3.5-turbo-instruct"},
    "atoma": {"model": "meta-llama/Llama-3.3-70B-Instruct"},
    "emissary": {"model": "Llama-3.2-1B-Instruct"},
    "deployment": DEPLOYED,
}
RECORDED = {
    "orq": "orq.router-completions",
    "atoma": "atoma.completions",
    "emissary": "emissary.completions",
    "deployment": "emissary.deployment-completions",
}
every_service = pytest.mark.parametrize("service", CLASSES)


def answer(service):
    return example(f"{RECORDED[service]}.response.json")


def llm(service, peer=None, **more):
    clients = (peer or Peer(answer(service))).clients("async_http_client")
    given = {"api_key": KEY, "api_base": BASE, "is_chat_model": False, **MODELS[service], **clients}
    return CLASSES[service](**{**given, **more})


def streamed(do, model, *args, **options):
    if do.__closure__[0].cell_contents.param == "sync":
        return list(model.stream_complete(*args, **options))

    async def chunks():
        return [chunk async for chunk in await model.astream_complete(*args, **options)]

    return asyncio.run(chunks())


@every_service
def test_bodies_are_those_recorded(do, service):
    body, peer = example(f"{RECORDED[service]}.request.json"), Peer(answer(service))
    given = {name: body[name] for name in body if name not in {"prompt", "stream", "model"}}
    response = do(llm(service, peer, **given), "complete", body["prompt"])
    assert {**peer.body, "stream": False} == {**body, "stream": False}
    assert peer.requests[0].url.path == TEXT_PATHS[service]
    told = answer(service)
    assert response.text == told.get("response", told.get("choices", [{}])[0].get("text"))
    assert response.raw["id"] == told["id"]


@every_service
def test_streams(do, service):
    can = service in {"orq", "atoma"}
    peer = Peer(stream_example(f"{RECORDED[service]}.stream.sse") if can else answer(service))
    chunks = streamed(do, llm(service, peer), PROMPT)
    assert chunks[-1].text == "".join(chunk.delta for chunk in chunks)
    assert peer.body.get("stream") is (True if can else None)
    assert len([chunk for chunk in chunks if chunk.delta]) == (2 if can else 1)


@every_service
def test_a_conversation_is_told_as_one_prompt(do, service):
    peer = Peer(answer(service))
    do(llm(service, peer), "chat", [ChatMessage(role="user", content="hello")])
    assert "hello" in peer.body["prompt"]
    assert "messages" not in peer.body


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("orq", {"echo": True, "user": "u", "n": 2, "thinking": {"type": "disabled"}}),
        ("atoma", {"best_of": 2, "echo": True, "suffix": "end", "logprobs": 3}),
    ],
)
@pytest.mark.parametrize("way", ["model", "call", "additional_kwargs"])
def test_fields_of_text_completion_alone(do, service, given, way):
    peer = Peer(answer(service))
    if way == "call":
        do(llm(service, peer), "complete", PROMPT, **given)
    else:
        own = given if way == "model" else {"additional_kwargs": given}
        do(llm(service, peer, **own), "complete", PROMPT)
    assert {name: peer.body[name] for name in given} == given


@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_a_chat_model_has_not_got_them(do, service):
    peer = Peer(answer(service))
    with pytest.raises(ValueError, match="echo"):
        do(llm(service, peer, is_chat_model=True, echo=True), "complete", PROMPT)
    assert peer.requests == []


def test_log_probabilities(do):
    told = answer("atoma")
    told["choices"][0]["logprobs"] = {
        "tokens": ["the", " Vltava"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {" Vltava": -0.5, " Elbe": -2.0}],
    }
    response = do(llm("atoma", Peer(told), logprobs=2), "complete", PROMPT)
    first, second = response.logprobs
    assert [each.token for each in first] == ["the"]
    assert [(each.token, each.logprob) for each in second] == [(" Vltava", -0.5), (" Elbe", -2.0)]


@every_service
@pytest.mark.parametrize("prompt", [["a", "b"], None, 7, ""])
def test_one_prompt_at_a_time(do, service, prompt):
    peer = Peer(answer(service))
    with pytest.raises(ValueError, match=r"(?i)prompt"):
        do(llm(service, peer), "complete", prompt)
    assert peer.requests == []


@every_service
def test_no_tools(do, service):
    peer = Peer(answer(service))
    assert not llm(service, peer).metadata.is_function_calling_model
    tool = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(ValueError, match="no tools"):
        do(llm(service, peer), "complete", PROMPT, tools=[tool])
    assert peer.requests == []


def test_metadata_on_request(do):
    peer = Peer(example("orq.model-catalog.response.json"))
    model = Orq(model="openai/gpt-4o", api_key=KEY, api_base=BASE, temperature=0.5,
                **peer.clients("async_http_client"))  # fmt: skip
    known = do(model, "with_metadata_from_service")
    assert known.metadata.context_window == 128000
    assert known.metadata.is_function_calling_model is True
    assert known.temperature == 0.5
    assert len(peer.requests) == 1


def test_a_model_that_calls_no_tools(do):
    told = {"data": [{"id": "a/b", "context_window": "4096", "features": []}]}
    model = Orq(model="a/b", api_key=KEY, **Peer(told).clients("async_http_client"))
    known = do(model, "with_metadata_from_service").metadata
    assert (known.context_window, known.is_function_calling_model) == (4096, False)


def test_what_the_service_does_not_tell_stays(do):
    told = {"data": [{"id": "m"}]}
    model = Atoma(model="m", api_key=KEY, context_window=77,
                  **Peer(told).clients("async_http_client"))  # fmt: skip
    assert do(model, "with_metadata_from_service").metadata == model.metadata


def test_a_model_that_is_not_listed(do):
    model = Atoma(model="m", api_key=KEY, **Peer({"data": []}).clients("async_http_client"))
    with pytest.raises(NotFound, match="lists no model 'm'"):
        do(model, "with_metadata_from_service")


@pytest.mark.parametrize("cls", [Orq, OrqRerank, Atoma, AtomaEmbedding])
def test_lists_of_models(do, cls):
    peer = Peer({"data": [{"id": "a/b"}]})
    model = cls(model="m", api_key=KEY, api_base=BASE, **peer.clients("async_http_client"))
    assert [card.id for card in do(model, "list_models", "models")] == ["a/b"]
