"""Answers that can't be used, into errors that say so."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ, errors
from emissary_transport.assembly import assembled
from emissary_transport.errors import BadAnswer, BrokenAnswer, ServiceError
from emissary_transport.reading import Reader
from pure.examples import JSON, SSE, chunk, deltas, example, read_into, reply, sse

DONE = "[DONE]"
END = chunk("", "stop")
HI = chunk("hi")
HELLO = "hello world"

FAILURES = {
    "envelope": (
        {"error": {"code": "rate_limit_exceeded", "message": "Slow."}},
        errors.RateLimited,
    ),
    "openai": (
        {"error": {"message": "Slow.", "type": "x", "param": None, "code": "invalid_api_key"}},
        errors.AuthenticationFailed,
    ),
    "flat": ({"code": 404, "error": "Slow.", "source": "system"}, errors.NotFound),
    "flat, float": ({"code": 404.0, "error": "Slow."}, errors.NotFound),
    "message": ({"message": "Slow.", "code": "500"}, errors.ServerError),
    "emissary": ({"status": 400, "error": "Slow."}, errors.InvalidRequest),
    "string": ({"error": "Slow."}, errors.ServerError),
    "atoma auth": (
        {"error": {"code": "AUTH_ERROR", "message": "Slow."}},
        errors.AuthenticationFailed,
    ),
    "atoma request": (
        {"error": {"code": "REQUEST_ERROR", "message": "Slow."}},
        errors.InvalidRequest,
    ),
    "atoma model": (
        {"error": {"code": "REQUEST_ERROR", "message": "Model not supported. Slow."}},
        errors.NotFound,
    ),
    "atoma busy": (
        {"error": {"code": "TOO_MANY_REQUESTS", "message": "Slow."}},
        errors.RateLimited,
    ),
    "overflow": (
        {"error": {"code": "context_length_exceeded", "message": "Slow."}},
        errors.ContextOverflow,
    ),
}


@pytest.mark.parametrize(("payload", "cls"), FAILURES.values(), ids=FAILURES)
def test_an_error_in_a_good_answer(payload, cls):
    with pytest.raises(cls, match=r"reported an error.*Slow\.") as whole:
        reply(ATOMA, json.dumps(payload).encode(), JSON)
    assert type(whole.value) is cls
    assert whole.value.body == payload
    assert (whole.value.service, whole.value.status) == ("atoma", None)

    came = []
    with pytest.raises(cls, match=r"after 1 events.*Slow\."):
        read_into(came, ATOMA, sse(HI, payload, HI))
    assert came == ["hi"]


def test_an_event_named_error():
    body = sse(HI) + b'event: error\ndata: {"code": "provider_error", "message": "Slow."}\n\n'
    with pytest.raises(errors.ServerError, match=r"Slow\."):
        reply(ORQ, body)
    with pytest.raises(errors.ServerError, match=r"out of memory"):
        reply(EMISSARY, b"event: error\ndata: out of memory\n\n")


@pytest.mark.parametrize("blank_line", [b"\n\n", b"\n", b""])
def test_what_came_before_an_error_is_out_before_it(blank_line):
    body = sse(HI) + b'data: {"error": "The provider closed."}' + blank_line
    came = []
    with pytest.raises(errors.ServerError, match="provider closed") as caught:
        read_into(came, ORQ, body, stop=["hi!"])
    assert came == ["hi"]
    assert caught.value.service == "orq"


@pytest.mark.parametrize(
    ("service", "body", "content_type", "cls", "message"),
    [
        (ATOMA, example("atoma.chat.stream-truncated.sse"), SSE, BrokenAnswer, "after 2 events"),
        (ORQ, sse(HI), SSE, BrokenAnswer, "without a finish reason or end marker"),
        (EMISSARY, sse(HI), SSE, BrokenAnswer, "without a finish reason or end marker"),
        (ORQ, b"", SSE, BrokenAnswer, "empty"),
        (ORQ, b": keep-alive\n\n", SSE, BrokenAnswer, "empty"),
        (ORQ, sse(DONE), SSE, BrokenAnswer, "empty"),
        (EMISSARY, b"", SSE, BrokenAnswer, "empty"),
        (EMISSARY, b"", "text/plain", BrokenAnswer, "empty"),
        (ORQ, b"", JSON, BrokenAnswer, "empty"),
        (ORQ, b" \n", JSON, BrokenAnswer, "empty"),
        (ORQ, b"{", JSON, BadAnswer, "no JSON"),
        (ORQ, b"OK", JSON, BadAnswer, "no JSON"),
        (ORQ, b"[]", JSON, BadAnswer, "not a JSON object"),
        (ORQ, b"null", JSON, BadAnswer, "not a JSON object"),
        (ORQ, b"{}", JSON, BadAnswer, "without any choice"),
        (ORQ, b'{"choices": []}', JSON, BadAnswer, "without any choice"),
        (ORQ, b'{"choices": null}', JSON, BadAnswer, "without any choice"),
        (ORQ, b'{"choices": [null]}', JSON, BadAnswer, "without any choice"),
        (ORQ, b'{"response": "hi"}', JSON, BadAnswer, "without any choice"),
        (EMISSARY_DEPLOYMENT, b'{"id": "x"}', JSON, BadAnswer, "without any choice or text"),
        (EMISSARY_DEPLOYMENT, b'{"response": null}', JSON, BadAnswer, "without any choice or text"),
        (ORQ, sse(HI, "garbage"), SSE, BadAnswer, "no JSON"),
        (ORQ, sse(HI, "7"), SSE, BadAnswer, "not a JSON object"),
        (ORQ, b"data: \xff\n\n", SSE, BadAnswer, "no JSON"),
        (EMISSARY, b"<p>Hi</p>", "text/html; charset=utf-8", BadAnswer, "a page"),
        (ORQ, b"<p>Hi</p>", "text/html", BadAnswer, "Check the base URL"),
    ],
)
def test_what_can_not_be_used(service, body, content_type, cls, message):
    with pytest.raises(cls, match=message) as caught:
        reply(service, body, content_type)
    assert type(caught.value) is cls
    assert caught.value.service == service.name


def test_an_answer_that_breaks_off_names_itself():
    with pytest.raises(BrokenAnswer) as caught:
        reply(ORQ, sse(HI))
    assert caught.value.request_id == "c1"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["text", "id", "name", "content", "index"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
PLACES = [
    ("id",),
    ("choices",),
    ("usage",),
    ("response",),
    ("created",),
    ("usage", "prompt_tokens"),
    ("usage", "prompt_tokens_details"),
    ("choices", 0),
    ("choices", 0, "index"),
    ("choices", 0, "delta"),
    ("choices", 0, "finish_reason"),
    ("choices", 0, "logprobs"),
    ("choices", 0, "refusal"),
    ("choices", 0, "delta", "content"),
    ("choices", 0, "delta", "refusal"),
    ("choices", 0, "delta", "reasoning"),
    ("choices", 0, "delta", "reasoning_signature"),
    ("choices", 0, "delta", "redacted_reasoning"),
    ("choices", 0, "delta", "audio"),
    ("choices", 0, "delta", "tool_calls"),
    ("choices", 0, "delta", "tool_calls", 0),
    ("choices", 0, "delta", "function_call"),
    ("choices", 0, "delta", "tool_calls", 0, "id"),
    ("choices", 0, "delta", "tool_calls", 0, "index"),
    ("choices", 0, "delta", "tool_calls", 0, "function"),
    ("choices", 0, "delta", "tool_calls", 0, "function", "name"),
    ("choices", 0, "delta", "tool_calls", 0, "function", "arguments"),
    ("error",),
    ("message",),
    ("error", "code"),
    ("error", "message"),
]


@given(place=st.sampled_from(PLACES), value=VALUES, service=st.sampled_from([ORQ, ATOMA, EMISSARY]))
def test_whatever_stands_anywhere_it_is_read_or_a_bad_answer(place, value, service):
    event = json.loads(example("orq.router-chat.response-seed-toolcall.json"))
    event["choices"][0]["delta"] = event["choices"][0].pop("message")
    event |= {"error": {}} if place[0] == "error" else {}
    inner = event
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    for body, content_type in ((sse(event, event, END), SSE), (json.dumps(event).encode(), JSON)):
        with suppress(ServiceError):
            assert assembled(deltas(service, body, content_type)).choices


def test_an_error_in_a_choice_is_one():
    event = {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 502}}]
    }
    with pytest.raises(errors.ServerError):
        list(Reader(ORQ, "text/event-stream", streamed=True).feed(sse(event)))


def test_an_error_told_as_detail_is_one():
    with pytest.raises(errors.ServiceError, match="Overloaded"):
        list(Reader(ORQ, "text/event-stream", streamed=True).feed(sse({"detail": "Overloaded"})))


def test_an_answer_ends_with_its_usage_though_the_body_goes_on():
    reader = Reader(ATOMA, "text/event-stream", streamed=True)
    finish = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    given = [*reader.feed(sse(finish)), *reader.feed(sse(usage))]
    assert reader.done
    assert [delta.usage.total_tokens for delta in [*given, *reader.close()] if delta.usage] == [2]
