"""The eight methods: what goes over the wire, what comes out, which events and spans there are."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
)
from llama_index.core.callbacks import CallbackManager, CBEventType, TokenCountingHandler
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler

from emissary_transport.errors import BrokenAnswer, InvalidRequest, RateLimited, ServiceError
from llamaindex.peer import (
    END,
    HI,
    KEY,
    PATHS,
    SERVICES,
    USAGE,
    USED,
    Both,
    Peer,
    deployed,
    event,
    model,
    said,
    sse,
    whole,
)

METHODS = ("chat", "stream_chat", "complete", "stream_complete")


def run(both: Both, method: str, **options: Any) -> Any:
    answer = getattr(both, method)(**options)
    return answer[-1] if isinstance(answer, list) else answer


def text_of(answer: Any) -> str:
    return answer.text if hasattr(answer, "text") else answer.message.content


def answer_for(method: str, service: str = "orq") -> httpx.Response:
    if service == "deployment":
        return deployed("hello")
    if method.startswith("stream"):
        return sse(*said("hel", "lo"), END, USED)
    return whole("hello")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("method", METHODS)
def test_asks_and_answers(service: str, method: str, how: str) -> None:
    peer = Peer(answer_for(method, service))
    both = Both(how, model(service, peer))

    answer = run(both, method, max_tokens=5, temperature=0.5)

    assert text_of(answer) == "hello"
    [request] = peer.requests
    assert request.method == "POST"
    assert request.url.path == PATHS[service]
    if service in {"emissary", "deployment"}:
        assert request.headers["X-API-Key"] == KEY
        assert "authorization" not in request.headers
    else:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
    limits = {"atoma": "max_completion_tokens", "deployment": "max_new_tokens"}
    body = dict(peer.body)
    assert body.pop(limits.get(service, "max_tokens")) == 5
    assert body.pop("temperature") == 0.5
    assert body.pop("messages") == [{"role": "user", "content": "hi"}]
    assert body.pop("model", None) == both.llm.model
    streams = method.startswith("stream") and service != "deployment"
    assert body.pop("stream", False) is streams
    if service in {"orq", "atoma"} and streams:
        assert body.pop("stream_options") == {"include_usage": True}
    assert body == {}


def test_deltas_and_messages_agree_on_every_chunk(how: str) -> None:
    peer = Peer(sse(*said("He", "llo", " world"), END, USED))
    chunks = Both(how, model("orq", peer)).stream_chat()
    so_far = ""
    for chunk in chunks:
        so_far += chunk.delta or ""
        assert chunk.message.content == so_far
        assert [type(block) for block in chunk.message.blocks] == [TextBlock]
        assert chunk.message.role == MessageRole.ASSISTANT
    assert so_far == "Hello world"
    assert len({id(chunk.message.blocks) for chunk in chunks}) == len(chunks)
    assert len({id(chunk.message.additional_kwargs) for chunk in chunks}) == len(chunks)


def test_completion_chunks_are_cumulative_too(how: str) -> None:
    peer = Peer(sse(*said("He", "llo"), END, USED))
    chunks = Both(how, model("atoma", peer)).stream_complete()
    assert [c.text for c in chunks if c.delta] == ["He", "Hello"]
    assert "".join(c.delta or "" for c in chunks) == chunks[-1].text == "Hello"


@pytest.mark.parametrize("service", ["orq", "atoma", "emissary"])
@pytest.mark.parametrize("method", METHODS)
def test_usage_is_whole_numbers_in_the_last_raw(service: str, method: str, how: str) -> None:
    odd = {"prompt_tokens": 7.0, "completion_tokens": 3, "total_tokens": None}
    answer = (
        sse(*said("hello"), END, {"choices": [], "usage": odd})
        if method.startswith("stream")
        else whole("hello", usage=odd)
    )
    last = run(Both(how, model(service, Peer(answer))), method)
    assert last.raw["usage"] == USAGE
    assert all(type(count) is int for count in last.raw["usage"].values())
    assert {name: last.additional_kwargs[name] for name in USAGE} == USAGE


def test_usage_details_are_kept_and_nulls_are_dropped(how: str) -> None:
    usage = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 2.0, "audio_tokens": None},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    answer = Both(how, model("orq", Peer(whole(usage=usage)))).chat()
    assert answer.raw["usage"] == {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None}])
def test_no_usage_is_no_usage(usage: Any, how: str) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = model("orq", Peer(whole(usage=usage)), callback_manager=CallbackManager([counter]))
    assert "usage" not in Both(how, llm).chat().raw
    assert counter.total_llm_token_count > 0  # counted by the tokenizer instead


def test_stream_usage_can_be_left_out(how: str) -> None:
    peer = Peer(sse(*said("hello"), END))
    Both(how, model("orq", peer, stream_usage=False)).stream_chat()
    assert "stream_options" not in peer.body


@pytest.mark.parametrize("service", ["orq", "atoma", "emissary"])
@pytest.mark.parametrize("method", METHODS)
def test_one_event_and_exact_token_counts(service: str, method: str, how: str) -> None:
    counter = TokenCountingHandler(tokenizer=str.split)
    seen = Events()
    manager = CallbackManager([counter, seen])
    llm = model(service, Peer(answer_for(method)), callback_manager=manager)
    run(Both(how, llm), method)
    assert counter.prompt_llm_token_count == 7
    assert counter.completion_llm_token_count == 3
    assert len(counter.llm_token_counts) == 1
    assert seen.started == seen.ended == 1


class Events(BaseCallbackHandler):
    """Counts LLM events."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.started = self.ended = 0
        self.payloads: list[Any] = []

    def on_event_start(self, event_type: CBEventType, payload: Any = None, **_: Any) -> str:
        self.started += event_type == CBEventType.LLM
        self.payloads.append(payload)
        return ""

    def on_event_end(self, event_type: CBEventType, payload: Any = None, **_: Any) -> None:
        self.ended += event_type == CBEventType.LLM
        self.payloads.append(payload)

    def start_trace(self, trace_id: str | None = None) -> None: ...

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None: ...


class Spans(SimpleSpanHandler):
    """Spans, and what each method was called with."""

    bound: list[dict[str, Any]] = []

    def new_span(self, id_: str, bound_args: inspect.BoundArguments, **more: Any) -> Any:
        self.bound.append(dict(bound_args.arguments))
        return super().new_span(id_, bound_args, **more)


class Listener(BaseEventHandler):
    """Keeps instrumentation events."""

    seen: list[Any] = []

    def handle(self, event: Any, **_: Any) -> None:
        self.seen.append(event)


@pytest.fixture
def listened() -> Any:
    dispatcher = get_dispatcher()
    listener, spans = Listener(seen=[]), Spans()
    dispatcher.add_event_handler(listener)
    dispatcher.add_span_handler(spans)
    yield listener.seen, spans
    dispatcher.event_handlers.remove(listener)
    dispatcher.span_handlers.remove(spans)


@pytest.mark.parametrize("method", METHODS)
def test_one_span_and_its_events(method: str, how: str, listened: Any) -> None:
    events, spans = listened
    run(Both(how, model("orq", Peer(answer_for(method)))), method)
    kind = "Completion" if "complete" in method else "Chat"
    names = [event.class_name() for event in events]
    assert names.count(f"LLM{kind}StartEvent") == names.count(f"LLM{kind}EndEvent") == 1
    assert not [name for name in names if f"LLM{kind}" not in name]
    mine = [span for span in spans.completed_spans if type(span).__name__ == "SimpleSpan"]
    full = method if how == "sync" else f"a{method}"
    assert [span.id_.split("-")[0] for span in mine] == [f"ServiceLLM.{full}"] or [
        span.id_.split("-")[0].split(".")[-1] for span in mine
    ] == [full]
    [span] = mine
    assert {event.span_id for event in events} == {span.id_}


@pytest.mark.parametrize("method", METHODS)
def test_a_span_tells_what_was_asked(method: str, how: str, listened: Any) -> None:
    _, spans = listened
    llm = model("orq", Peer(answer_for(method)))
    run(Both(how, llm), method, temperature=0.5)
    asked = {"args": ("hi",)} if "complete" in method else {"messages": HI}
    assert spans.bound == [{**asked, "kwargs": {"temperature": 0.5}}]
    way = getattr(type(llm), method if how == "sync" else f"a{method}")
    assert way.__signature__ == inspect.signature(way)  # LlamaIndex looks for it in every call


@pytest.mark.parametrize("service", SERVICES)
def test_events_hold_no_key_but_model_and_temperature(
    service: str, how: str, listened: Any
) -> None:
    events, _ = listened
    seen = Events()
    llm = model(
        service,
        Peer(answer_for("chat", service)),
        callback_manager=CallbackManager([seen]),
        temperature=0.25,
        default_headers={"X-Team": KEY},
    )
    Both(how, llm).chat()
    shown = repr(events) + repr([event.model_dump() for event in events]) + repr(seen.payloads)
    assert KEY not in shown
    payload = events[0].model_dict
    assert payload["temperature"] == 0.25
    assert (
        payload["model"]
        == payload["model_name"]
        == ("dp-1" if service == "deployment" else llm.model)
    )
    assert payload["class_name"] == llm.class_name()


def test_core_calls_by_keyword(how: str) -> None:
    llm = model("orq", Peer(whole("hello")))
    both = Both(how, llm)
    assert both.chat(messages=HI).message.content == "hello"
    assert both.complete(prompt="hi", formatted=True).text == "hello"


def test_completion_to_prompt_is_applied_once(how: str) -> None:
    peer = Peer(whole())
    both = Both(how, model("orq", peer, completion_to_prompt=lambda text: f"<{text}>"))
    both.complete("a")
    both.complete("b", formatted=True)
    assert [body["messages"][0]["content"] for body in peer.bodies] == ["<a>", "b"]


def test_system_prompt_is_predicts_business_not_chats(how: str) -> None:
    peer = Peer(whole())
    Both(how, model("orq", peer, system_prompt="Be kind.")).chat()
    assert peer.body["messages"] == [{"role": "user", "content": "hi"}]


def test_thoughts_come_before_text_and_as_deltas(how: str) -> None:
    peer = Peer(
        sse(
            event({"role": "assistant", "reasoning_content": "Let "}),
            event({"reasoning_content": "me see."}),
            event({"content": "42"}),
            END,
        )
    )
    chunks = Both(how, model("atoma", peer)).stream_chat()
    assert [c.additional_kwargs.get("thinking_delta") for c in chunks][:3] == [
        "Let ",
        "me see.",
        None,
    ]
    thinking, text = chunks[-1].message.blocks
    assert isinstance(thinking, ThinkingBlock)
    assert thinking.content == "Let me see."
    assert isinstance(text, TextBlock)
    assert chunks[-1].message.content == text.text == "42"


def test_an_answer_of_thoughts_alone_keeps_them(how: str) -> None:
    message = Both(how, model("atoma", Peer(whole(None, reasoning_content="hm")))).chat().message
    assert [type(block) for block in message.blocks] == [ThinkingBlock, TextBlock]
    assert message.content == ""


def test_logprobs(how: str) -> None:
    token = {"token": "hi", "logprob": -0.5, "bytes": [104], "top_logprobs": []}
    other = {"token": "yo", "logprob": -1.5, "bytes": None}
    answer = whole()
    body = {
        "choices": [
            {
                "message": {"content": "hi"},
                "finish_reason": "stop",
                "logprobs": {"content": [token, {**token, "top_logprobs": [token, other]}]},
            }
        ]
    }
    answer = httpx.Response(200, json=body)
    logprobs = Both(how, model("orq", Peer(answer))).chat(logprobs=True, top_logprobs=2).logprobs
    assert logprobs is not None
    assert [[each.token for each in tokens] for tokens in logprobs] == [["hi"], ["hi", "yo"]]


@pytest.mark.parametrize(
    "told",
    [
        {"content": ["hi", {"token": "hi", "logprob": "much", "bytes": "hi"}]},
        {"content": [{"token": "hi", "logprob": None, "top_logprobs": ["hi", None]}]},
        {"tokens": ["hi"], "token_logprobs": None, "top_logprobs": ["hi"]},
        {"tokens": ["hi"], "token_logprobs": ["much"], "top_logprobs": 1},
    ],
)
def test_logprobs_that_are_none(told: Any, how: str) -> None:
    choice = {"message": {"content": "hi"}, "finish_reason": "stop", "logprobs": told}
    answer = httpx.Response(200, json={"choices": [choice]})
    logprobs = Both(how, model("orq", Peer(answer))).chat().logprobs
    assert logprobs == [[LogProb(token="hi", logprob=0.0, bytes=[])]]


def test_other_choices_do_not_mix_in(how: str) -> None:
    second = event({"content": "other"})
    second["choices"][0]["index"] = 1
    peer = Peer(sse(event({"content": "mine"}), second, END))
    chunks = Both(how, model("orq", peer, n=2)).stream_chat()
    assert chunks[-1].message.content == "mine"


@pytest.mark.parametrize("service", SERVICES)
def test_stop_is_cut_wherever_the_service_cannot(service: str, how: str) -> None:
    peer = Peer(deployed("one two") if service == "deployment" else whole("one two"))
    answer = Both(how, model(service, peer, stop=["w"])).chat()
    assert answer.message.content == "one t"
    assert ("stop" in peer.body) is (service in {"orq", "atoma"})


def test_the_deployment_api_streams_on_the_wire_only_when_asked(how: str) -> None:
    peer = Peer(deployed("hello"))
    chunks = Both(how, model("deployment", peer)).stream_chat()
    assert "streaming" not in peer.body
    assert [chunk.delta for chunk in chunks if chunk.delta] == ["hello"]
    pieces = [{"id": "x", "response": "The"}, {"id": "x", "response": " Vltava"}]
    peer = Peer(sse(*pieces))
    chunks = Both(how, model("deployment", peer, streaming=True)).stream_chat()
    assert peer.body["streaming"] is True
    assert [chunk.delta for chunk in chunks if chunk.delta] == ["The", " Vltava"]
    assert chunks[-1].message.content == "The Vltava"
    assert all(isinstance(chunk.raw, dict) for chunk in chunks)


def test_plain_text_streams_have_a_dict_as_raw(how: str) -> None:
    answer = httpx.Response(200, headers={"content-type": "text/plain"}, content=b"hello")
    chunks = Both(how, model("deployment", Peer(answer), streaming=True)).stream_chat()
    assert chunks[-1].message.content == "hello"
    assert all(isinstance(chunk.raw, dict) for chunk in chunks)


# --- what goes wrong ---


@pytest.mark.parametrize("method", METHODS)
def test_a_refusal_is_typed_and_holds_no_key(method: str, how: str, listened: Any) -> None:
    events, _ = listened
    answer = httpx.Response(400, json={"error": {"code": "x", "message": f"bad key {KEY}"}})
    with pytest.raises(InvalidRequest) as caught:
        run(Both(how, model("orq", Peer(answer))), method)
    assert caught.value.status == 400
    assert caught.value.service == "orq"
    assert KEY not in f"{caught.value!s}{caught.value!r}{caught.value.__dict__}{events!r}"


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_retries_are_counted_exactly(retries: int, how: str, slept: list[float]) -> None:
    peer = Peer(httpx.Response(503, json={"message": "later"}))
    with pytest.raises(ServiceError):
        Both(how, model("orq", peer, max_retries=retries)).chat()
    assert len(peer.requests) == retries + 1
    assert len(slept) == retries


def test_retry_after_is_honoured_and_429_can_be_read_in_the_words(
    how: str, slept: list[float]
) -> None:
    peer = Peer(httpx.Response(429, headers={"retry-after": "3"}, json={"message": "slow"}))
    with pytest.raises(RateLimited, match="429"):
        Both(how, model("orq", peer, max_retries=1)).stream_chat()
    assert slept == [3.0]


def test_a_wrong_key_is_tried_once(how: str, slept: list[float]) -> None:
    peer = Peer(httpx.Response(401, json={"error": {"message": "no"}}))
    with pytest.raises(ServiceError):
        Both(how, model("atoma", peer)).chat()
    assert len(peer.requests) == 1


def test_a_stream_is_tried_again_only_before_its_first_byte(how: str, slept: list[float]) -> None:
    peer = Peer(httpx.Response(503), sse(*said("hello"), done=False))
    chunks: list[Any] = []
    with pytest.raises(BrokenAnswer):
        Both(how, model("orq", peer)).stream_chat(into=chunks)
    assert [chunk.delta for chunk in chunks] == ["hello"]
    assert len(peer.requests) == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_missing_key_is_told_before_anything_is_sent(service: str, method: str, how: str) -> None:
    peer = Peer(whole())
    names = {"orq": "ORQ_API_KEY", "atoma": "ATOMA_API_KEY"}
    with pytest.raises(ValueError, match=rf"api_key=.*{names.get(service, 'EMISSARY_API_KEY')}"):
        run(Both(how, model(service, peer, api_key=None)), method)
    assert peer.requests == []


def test_what_the_service_does_not_document_is_refused(how: str) -> None:
    peer = Peer(whole())
    with pytest.raises(ValueError, match="no field 'seed'"):
        Both(how, model("emissary", peer)).chat(seed=1)
    with pytest.raises(ValueError, match="no field 'temprature'"):
        Both(how, model("orq", peer)).chat(temprature=1)
    assert peer.requests == []


# --- which parameter wins, and where it goes ---


def test_the_call_wins_over_the_instance(how: str) -> None:
    peer = Peer(whole())
    llm = model(
        "orq",
        peer,
        temperature=0.1,
        max_tokens=5,
        seed=1,
        additional_kwargs={"top_p": 0.5, "custom": 1},
        extra_body={"a": 1},
    )
    Both(how, llm).chat(temperature=0.9, max_tokens=7, seed=None, top_p=0.1, extra_body={"b": 2})
    body = peer.body
    assert (body["temperature"], body["max_tokens"], body["top_p"]) == (0.9, 7, 0.1)
    assert "seed" not in body
    assert (body["a"], body["b"], body["custom"]) == (1, 2, 1)
    Both(how, llm).chat()
    assert (peer.body["custom"], peer.body["a"], peer.body["top_p"]) == (1, 1, 0.5)


def test_extra_headers_are_headers(how: str) -> None:
    peer = Peer(whole())
    llm = model("orq", peer, default_headers={"X-A": "1", "X-B": "1"})
    Both(how, llm).chat(extra_headers={"X-B": "2"})
    headers = peer.requests[0].headers
    assert (headers["X-A"], headers["X-B"]) == ("1", "2")
    assert peer.body.keys() == {"model", "messages"}


def test_a_messages_additional_kwargs_stay_out_of_the_request(how: str) -> None:
    peer = Peer(whole())
    message = ChatMessage(
        role="user", content="hi", additional_kwargs={"session_id": 1, "cache_control": {}}
    )
    Both(how, model("orq", peer)).chat([message])
    assert peer.body["messages"] == [{"role": "user", "content": "hi"}]


def test_orqs_own_timeout_and_metadata(how: str) -> None:
    peer = Peer(whole())
    llm = model("orq", peer, timeout={"call_timeout": 5}, metadata={"team": "a"}, name="trace")
    Both(how, llm).chat()
    assert peer.body["timeout"] == {"call_timeout": 5}
    assert peer.body["metadata"] == {"team": "a"}
    assert peer.body["name"] == "trace"
    assert llm.metadata.model_name == "openai/gpt-4o"
