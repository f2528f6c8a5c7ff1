"""LangChain's text completion: bodies, answers, streams, batches, callbacks, caches."""

import asyncio
import copy
import pickle
import threading

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.exceptions import ModelError, ModelNotFoundError
from langchain_core.load import dumpd, dumps, load

from emissary_transport.errors import BadAnswer, BrokenAnswer
from langchain_emissary import AtomaLLM, EmissaryLLM, OrqLLM
from langchain_retrieval.retrieval_peer import (
    BASE,
    DEPLOYED,
    KEY,
    TEXT_PATHS,
    Peer,
    example,
    stream_example,
)

PROMPT = "The river that flows through Prague is"
CLASSES = {"orq": OrqLLM, "atoma": AtomaLLM, "emissary": EmissaryLLM, "deployment": EmissaryLLM}
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
streaming_service = pytest.mark.parametrize("service", ["orq", "atoma"])


def answer(service):
    return example(f"{RECORDED[service]}.response.json")


def stream(service):
    return stream_example(f"{RECORDED[service]}.stream.sse")


def llm(service, peer=None, **more):
    clients = (peer or Peer(answer(service))).clients()
    return CLASSES[service](
        **{"api_key": KEY, "base_url": BASE, **MODELS[service], **clients, **more}
    )


def completion(*texts, **more):
    choices = [
        {"index": n, "text": text, "finish_reason": "stop", **more} for n, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    return {"id": "c-1", "model": "served", "choices": choices, "usage": usage}


def continued(body):
    return completion(body["prompt"] + " and so on")


@every_service
def test_bodies_are_those_recorded(do, service):
    body, peer = example(f"{RECORDED[service]}.request.json"), Peer(answer(service))
    given = {name: body[name] for name in body if name not in {"prompt", "stream", "model"}}
    do(llm(service, peer, **given), "invoke", body["prompt"])
    assert {**peer.body, "stream": False} == {**body, "stream": False}
    (request,) = peer.requests
    assert request.url.path == TEXT_PATHS[service]
    header = "x-api-key" if "emissary" in RECORDED[service] else "authorization"
    assert KEY in request.headers[header]


@pytest.mark.parametrize(
    ("service", "sent"),
    [
        ("orq", {"max_tokens": 9}),
        ("atoma", {"max_tokens": 9}),
        ("emissary", {"max_completion_tokens": 9}),
        ("deployment", {"max_new_tokens": 9}),
    ],
)
def test_an_output_limit_by_the_services_name(do, service, sent):
    peer = Peer(answer(service))
    do(llm(service, peer, max_tokens=9), "invoke", PROMPT)
    limits = {name: peer.body[name] for name in peer.body if "tokens" in name}
    assert limits == sent


@every_service
def test_recorded_answers(do, service):
    told = answer(service)
    result = do(llm(service), "generate", [PROMPT])
    ((generation,),) = result.generations
    text = told["response"] if service == "deployment" else told["choices"][0]["text"]
    info = generation.generation_info
    assert generation.text == text
    assert info["id"] == told["id"]
    assert result.llm_output["model_name"] == info["model_name"] == told.get("model", "dp-1")
    usage = told.get("usage") or {}
    used = {name: usage[name] for name in usage if not name.endswith("details")}
    assert result.llm_output.get("token_usage", {}) == info.get("token_usage", {}) == used
    assert info.get("finish_reason") == (
        None if service == "deployment" else told["choices"][0]["finish_reason"]
    )


EVERYTHING = {
    "orq": {
        "echo": True,
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "max_tokens": 5,
        "seed": 7,
        "stop": ["x"],
        "temperature": 0.1,
        "top_p": 0.2,
        "n": 2,
        "user": "u",
        "name": "trace",
        "fallbacks": [{"model": "a/b"}],
        "retry": {"count": 2},
        "cache": {"type": "exact_match"},
        "load_balancer": {"type": "weight_based", "models": []},
        "timeout": {"call_timeout": 5},
        "thinking": {"type": "disabled"},
        "plugins": [{"id": "pii_redaction"}],
        "orq": {"name": "older"},
    },
    "atoma": {
        "best_of": 3,
        "echo": True,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
        "logit_bias": {"1": 2.0},
        "logprobs": 3,
        "max_tokens": 5,
        "n": 2,
        "seed": 7,
        "stop": ["x"],
        "suffix": "end",
        "temperature": 0.1,
        "top_p": 0.2,
        "user": "u",
    },
    "emissary": {"temperature": 0.1, "max_completion_tokens": 5, "top_p": 0.2, "top_k": 3},
    "deployment": {
        "temperature": 0.1,
        "max_new_tokens": 5,
        "top_p": 0.2,
        "top_k": 3,
        "no_repeat_ngram_size": 2,
        "do_sample": False,
    },
}


@every_service
def test_every_documented_field_goes_out(do, service):
    given, peer = EVERYTHING[service], Peer(completion("a", "b"))
    do(llm(service, peer, **given), "invoke", PROMPT)
    model = {} if service == "deployment" else MODELS[service]
    assert peer.body == {**model, "prompt": PROMPT, **given}


@every_service
def test_every_documented_field_can_be_given_with_a_call(do, service):
    given, peer = EVERYTHING[service], Peer(completion("a", "b"))
    options = {name: value for name, value in given.items() if name not in {"cache", "timeout"}}
    do(llm(service, peer, temperature=0.9), "invoke", PROMPT, **options)
    model = {} if service == "deployment" else MODELS[service]
    assert peer.body == {**model, "prompt": PROMPT, **options}


@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_several_answers(do, service):
    result = do(llm(service, Peer(completion("one", "two")), n=2), "generate", [PROMPT])
    assert [generation.text for generation in result.generations[0]] == ["one", "two"]
    assert result.llm_output["token_usage"]["total_tokens"] == 5


def test_log_probabilities(do):
    logprobs = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5}]}
    model = llm("atoma", Peer(completion("a", logprobs=logprobs)), logprobs=1)
    result = do(model, "generate", [PROMPT])
    assert result.generations[0][0].generation_info["logprobs"] == logprobs


@every_service
def test_stop_sequences_are_cut_where_the_service_cannot(do, service):
    text = completion("one END two") if service != "deployment" else {"response": "one END two"}
    peer = Peer(text)
    said = do(llm(service, peer, stop=["other"]), "invoke", PROMPT, stop=["END"])
    if service in {"orq", "atoma"}:
        assert peer.body["stop"] == ["END"]
    else:
        assert "stop" not in peer.body
    assert said == "one "


@streaming_service
def test_streams(do, service):
    peer = Peer(stream(service))
    pieces = collected(do, llm(service, peer), PROMPT)
    assert [piece for piece in pieces if piece] == [" the", " Vltava."]
    assert peer.body["stream"] is True


@pytest.mark.parametrize("service", ["emissary", "deployment"])
def test_emissary_answers_once(do, service):
    peer = Peer(answer(service))
    pieces = collected(do, llm(service, peer), PROMPT)
    assert "".join(pieces) == " the Vltava, the longest river in the country."
    assert not {"stream", "streaming"} & peer.body.keys()
    assert peer.requests[0].headers["accept"] == "application/json"


@streaming_service
def test_facts_of_a_stream_are_told_once(do, service):
    result = do(llm(service, Peer(stream(service)), streaming=True), "generate", [PROMPT])
    ((generation,),) = result.generations
    assert generation.text == " the Vltava."
    assert generation.generation_info["finish_reason"] == "stop"
    assert generation.generation_info["id"] in {"01K7M1BB3S", "cmpl-90ab"}
    if service == "atoma":
        assert result.llm_output["token_usage"]["total_tokens"] == 12


@streaming_service
def test_a_stream_that_breaks_off(do, service):
    whole = stream(service).content
    first, second, _ = whole.split(b"\n\n", 2)
    broken = httpx.Response(
        200,
        headers={"content-type": "text/event-stream"},
        content=first + b"\n\n" + second + b"\n\n",
    )
    with pytest.raises(BrokenAnswer) as caught:
        collected(do, llm(service, Peer(broken)), PROMPT)
    assert isinstance(caught.value, ModelError)


class Tokens(BaseCallbackHandler):
    def __init__(self):
        self.tokens = []
        self.ends = []
        self.params = []

    def on_llm_start(self, serialized, prompts, *, invocation_params=None, **kwargs):
        self.params.append(invocation_params)

    def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)

    def on_llm_end(self, response, **kwargs):
        self.ends.append(response)


class AsyncTokens(AsyncCallbackHandler, Tokens):
    async def on_llm_start(self, serialized, prompts, *, invocation_params=None, **kwargs):
        self.params.append(invocation_params)

    async def on_llm_new_token(self, token, **kwargs):
        self.tokens.append(token)

    async def on_llm_end(self, response, **kwargs):
        self.ends.append(response)


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("handler", [Tokens, AsyncTokens])
def test_callbacks_hear_each_token(do, way, handler):
    if handler is AsyncTokens and do.__closure__[0].cell_contents.param == "sync":
        pytest.skip("async handlers are for async calls")
    heard = handler()
    model, config = llm("atoma", Peer(stream("atoma")), streaming=True), {"callbacks": [heard]}
    if way == "invoke":
        do(model, "invoke", PROMPT, config)
    else:
        collected(do, model, PROMPT, config)
    assert [token for token in heard.tokens if token] == [" the", " Vltava."]
    assert len(heard.ends) == 1


def collected(do, model, *args, **options):
    """What a model streams, in the way that `do` asks."""
    if do.__closure__[0].cell_contents.param == "sync":
        return list(model.stream(*args, **options))

    async def pieces():
        return [piece async for piece in model.astream(*args, **options)]

    return asyncio.run(pieces())


@every_service
def test_batches_in_order(do, service):
    peer = Peer(
        (lambda body: {"response": body["prompt"] + " and so on"})
        if service == "deployment"
        else continued
    )
    prompts = [f"prompt {n}" for n in range(20)]
    result = do(llm(service, peer), "generate", prompts)
    assert [one.text for (one,) in result.generations] == [f"{p} and so on" for p in prompts]
    assert len(peer.requests) == 20
    if service != "deployment":
        assert result.llm_output["token_usage"]["total_tokens"] == 100


def test_batches_are_side_by_side(do):
    barrier = threading.Barrier(3)
    peer = Peer(lambda body: (barrier.wait(5) and None) or continued(body))
    if do.__closure__[0].cell_contents.param == "sync":
        assert len(llm("orq", peer, max_concurrency=3).batch(["a", "b", "c"])) == 3
        return
    waiting = []

    async def scenario():
        everyone = asyncio.Event()

        async def slow(request):
            waiting.append(request)
            if len(waiting) == 3:
                everyone.set()
            await asyncio.wait_for(everyone.wait(), 5)
            return httpx.Response(200, json=completion("x"))

        client = httpx.AsyncClient(transport=httpx.MockTransport(slow))
        return await llm("orq", http_async_client=client, max_concurrency=3).abatch(["a", "b", "c"])

    assert asyncio.run(scenario()) == ["x"] * 3


def test_bad_prompts_stop_a_batch_before_anything_is_sent(do):
    peer = Peer(continued)
    with pytest.raises(ValueError, match="one prompt"):
        do(llm("orq", peer), "generate", ["good", ""])
    assert peer.requests == []


@every_service
@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "no tools"),
        ({"response_format": {"type": "json_object"}}, "no response_format"),
        ({"messages": []}, "messages"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"stop": [""]}, "stop"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(do, service, options, word):
    peer = Peer(answer(service))
    with pytest.raises(ValueError, match=word):
        do(llm(service, peer), "invoke", PROMPT, **options)
    assert peer.requests == []


@pytest.mark.parametrize(
    ("service", "given"),
    [
        ("orq", {"model": None}),
        ("atoma", {"max_concurrency": 0}),
        ("emissary", {"model": None}),
        ("deployment", {"model": "m"}),
    ],
)
def test_bad_parameters(service, given):
    with pytest.raises(ValueError, match=r"model|max_concurrency"):
        llm(service, **given)


def test_several_answers_are_not_streamed(do):
    with pytest.raises(ValueError, match="n > 1"):
        collected(do, llm("orq", n=2), PROMPT)
    peer = Peer(completion("a", "b"))
    do(llm("orq", peer, n=2, streaming=True), "invoke", PROMPT)
    assert "stream" not in peer.body


def test_unknown_fields_warn_and_go_out(do):
    peer = Peer(answer("orq"))
    with pytest.warns(UserWarning, match="no field `flavour`"):
        model = llm("orq", peer, flavour="sweet")
    do(model, "invoke", PROMPT)
    assert peer.body["flavour"] == "sweet"


@every_service
def test_errors_are_langchains(do, service):
    peer = Peer(httpx.Response(404, json={"error": {"message": "no such model"}}))
    with pytest.raises(ModelNotFoundError):
        do(llm(service, peer), "invoke", PROMPT)


def test_logprobs_of_any_type_do_no_harm(do):
    answer = completion("a", logprobs="-0.5", prompt_logprobs=[1], stop_reason=128)
    try:
        said = do(llm("emissary", Peer(answer)), "invoke", PROMPT)
    except BadAnswer:
        pytest.fail("a stray type is no reason to lose an answer")
    assert said == "a"


@every_service
def test_no_secrets(service):
    model = llm(service, default_headers={"x-more": "sekret"})
    shown = repr(model) + str(model) + dumps(model) + str(model.asdict())
    assert KEY not in shown
    assert "sekret" not in shown
    assert dumpd(model)["kwargs"]["api_key"]["type"] == "secret"


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_secrets_of_a_call_are_not_traced(do, way):
    heard, peer = Tokens(), Peer(stream("orq") if way == "stream" else answer("orq"))
    config, secrets = {"callbacks": [heard]}, {"api_key": "sk-other", "headers": {"x-a": "sekret"}}
    if way == "invoke":
        do(llm("orq", peer), "invoke", PROMPT, config, **secrets, seed=3)
    else:
        collected(do, llm("orq", peer), PROMPT, config, **secrets, seed=3)
    (params,) = heard.params
    assert "sk-other" not in str(params)
    assert "sekret" not in str(params)
    assert params["seed"] == 3
    assert peer.requests[0].headers["authorization"] == "Bearer sk-other"
    assert peer.requests[0].headers["x-a"] == "sekret"


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_load_gives_the_model_back(monkeypatch):
    monkeypatch.setenv("ORQ_API_KEY", KEY)
    model = OrqLLM(model="a/b", temperature=0.5)
    again = load(
        dumpd(model),
        allowed_objects=[OrqLLM],
        valid_namespaces=["langchain_emissary"],
        secrets_from_env=True,
    )
    assert again.asdict() == model.asdict()


@every_service
def test_copies_and_pickles(do, service):
    assert do(copy.deepcopy(llm(service)), "invoke", PROMPT)
    alone = CLASSES[service](api_key=KEY, **MODELS[service])
    assert pickle.loads(pickle.dumps(alone)).asdict() == alone.asdict()


def test_a_cache_tells_calls_apart(do):
    peer = Peer(lambda body: completion(body["model"] + str(body.get("seed"))))
    model = llm("orq", peer, cache=InMemoryCache())
    first = [do(model, "invoke", PROMPT) for _ in range(2)]
    assert first == ["openai/gpt-3.5-turbo-instructNone"] * 2
    assert len(peer.requests) == 1
    assert do(model, "invoke", PROMPT, model="b/c", seed=1) == "b/c1"
    assert do(model, "invoke", PROMPT, model="b/c", seed=2) == "b/c2"
    assert len(peer.requests) == 3


def test_tracing_knows_the_model():
    params = llm("orq")._get_ls_params(model="x/y", stop=["a"])
    assert params["ls_provider"] == "orq"
    assert params["ls_model_name"] == "x/y"
    assert params["ls_model_type"] == "llm"
    assert llm("orq")._llm_type == "orq-llm"


def test_leaving_a_stream_early_ends_the_request():
    closed = []

    class Body(httpx.SyncByteStream):
        def __iter__(self):
            yield stream("orq").content[:200] + b"\n\n"
            pytest.fail("read on")

        def close(self):
            closed.append(True)

    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())
    client = httpx.Client(transport=httpx.MockTransport(lambda _: response))
    pieces = llm("orq", http_client=client).stream(PROMPT)
    assert next(pieces) == " the"
    pieces.close()
    assert closed
