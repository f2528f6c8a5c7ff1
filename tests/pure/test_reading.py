"""Answers of every form, into replies and deltas."""

import json

import pytest

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ
from emissary_transport.reading import Reader
from emissary_transport.types import Reasoning, Usage
from pure.examples import JSON, NDJSON, SSE, chunk, deltas, reply, sse

DONE = "[DONE]"
END = chunk("", "stop")
HI = chunk("hi")
HELLO = "hello world"

FORMS = {
    "openai chunks": [chunk("hello"), chunk(" world"), END],
    "text chunks": [{"choices": [{"text": "hello"}]}, {"choices": [{"text": " world"}]}],
    "messages": [{"choices": [{"message": {"role": "assistant", "content": "hello world"}}]}],
    "increments": [{"response": "hello"}, {"id": "x", "response": " world"}],
    "the text so far": [{"response": "hello"}, {"response": "hello world"}],
    "json strings": ['"hello"', '" world"'],
    "literal text": ["hello", " world"],
    "literal text that looks like json": ["hello", " ", "world"],
    "a mixture": [{"response": "hello"}, '" "', "world"],
}


@pytest.mark.parametrize("events", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("ending", ["", "data: [DONE]\n\n", "data:[DONE]"])
def test_stream_forms_of_emissary(events, ending):
    assert reply(EMISSARY_DEPLOYMENT, sse(*events, end=ending)).text == HELLO


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("7", "7"),
        ("null", "null"),
        ("[1]", "[1]"),
        ("{not json", "{not json"),
        ("a\ndata: b", "a\nb"),
        ('{"name": "Brno"}', '{"name": "Brno"}'),
    ],
)
def test_anything_else_is_literal_text(literal, text):
    assert reply(EMISSARY, sse(literal)).text == text


@pytest.mark.parametrize(
    ("mode", "responses", "text"),
    [
        ("auto", ["a", "ab", "abc"], "abc"),
        ("auto", ["a", "b", "c"], "abc"),
        ("auto", ["ha", "ha", "ha"], "hahaha"),
        ("auto", ["", "a", "ab"], "ab"),
        ("auto", ["a", "ab", "c", "abcd"], "abcd"),
        ("delta", ["a", "ab", "abc"], "aababc"),
        ("cumulative", ["a", "ab", "ab", "abc"], "abc"),
    ],
)
def test_increments_or_the_text_so_far(mode, responses, text):
    body = sse(*({"response": response} for response in responses))
    assert reply(EMISSARY_DEPLOYMENT, body, stream_mode=mode).text == text


@pytest.mark.parametrize("content_type", [NDJSON, "application/jsonl", "Application/JSONL; q=1"])
def test_json_lines(content_type):
    body = b'{"response": "hello"}\n\n{"response": " world"}'
    assert reply(EMISSARY_DEPLOYMENT, body, content_type).text == HELLO


@pytest.mark.parametrize("streamed", [True, False])
def test_plain_text_of_emissary(streamed):
    body = "Řeka [DONE]".encode()
    given = deltas(EMISSARY, body, "text/plain; charset=utf-8", streamed=streamed, size=1)
    assert "".join(delta.text for delta in given) == "Řeka [DONE]"
    assert len(given) == (11 if streamed else 1)


@pytest.mark.parametrize(
    ("content_type", "streamed", "body"),
    [
        (JSON, True, json.dumps(chunk("hello world", "stop")).encode()),
        ("application/problem+json", True, json.dumps(chunk("hello world", "stop")).encode()),
        ("", False, json.dumps(chunk("hello world", "stop")).encode()),
        (SSE, False, sse(chunk("hello"), chunk(" world"), END, DONE)),
        ("TEXT/Event-Stream;charset=utf-8", True, sse(chunk("hello"), chunk(" world"), END)),
        ("", True, sse(chunk("hello"), chunk(" world"), END)),
        ("application/octet-stream", True, sse(chunk("hello"), chunk(" world"), END)),
    ],
)
@pytest.mark.parametrize("service", [ORQ, ATOMA, EMISSARY])
def test_the_content_type_says_how_to_read(service, content_type, streamed, body):
    assert reply(service, body, content_type, streamed=streamed).text == HELLO


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
NULLS = dict.fromkeys(USAGE)


@pytest.mark.parametrize(
    "usages",
    [
        [USAGE],
        [{}, None, USAGE],
        [USAGE, {}, None],
        [USAGE, USAGE],
        [USAGE, NULLS],
        [{"prompt_tokens": 3.0, "completion_tokens": 4.0, "total_tokens": 7.0}],
        [{"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": None}],
        [{"prompt_tokens": 3, "completion_tokens": 4}],
        [{**USAGE, "prompt_tokens_details": None, "completion_tokens_details": None}],
        [{**USAGE, "prompt_tokens_details": {"cached_tokens": None}}],
        [{"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}, USAGE],
    ],
)
def test_usage_comes_once_as_whole_numbers(usages):
    events = [{**HI, "usage": usage} for usage in usages]
    given = deltas(ORQ, sse(*events, END, DONE))
    [usage] = [delta.usage for delta in given if delta.usage]
    assert usage == Usage(3, 4, 7)
    assert all(type(count) is int for count in (usage.input_tokens, usage.total_tokens))


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("reason", ["stop", None])
@pytest.mark.parametrize("facts", [{"id": "a", "model": "m"}, {}])
def test_usage_of_a_whole_answer_is_told_last_and_of_the_first_choice(index, reason, facts):
    choice = {"index": index, "message": {"content": "hi"}, "finish_reason": reason}
    body = json.dumps({**facts, "choices": [choice], "usage": USAGE}).encode()
    given = deltas(ORQ, body, JSON)
    [told] = [place for place, delta in enumerate(given) if delta.usage]
    assert (told, given[told].index) == (len(given) - 1, 0)
    assert given[told].metadata is not None or reason


@pytest.mark.parametrize(
    "usage", [{}, None, NULLS, [], "none", {"prompt_tokens": "3"}, {"prompt_tokens": float("nan")}]
)
def test_no_usage_is_none(usage):
    assert reply(ORQ, sse({**END, "usage": usage}, DONE)).usage is None


@pytest.mark.parametrize(
    "events",
    [
        [HI, {"id": "c1", "choices": []}, END],
        [HI, {"id": "c1", "choices": None}, END],
        [HI, {"id": "c1"}, END],
        [HI, {"choices": [{"index": 0, "delta": None, "finish_reason": None}]}, END],
        [HI, {"choices": [{"delta": {}}]}, END],
        [HI, {"choices": [None, "x"]}, END],
        [{"choices": [{"index": 0.0, "delta": {"content": "hi"}}]}, END],
        [{"choices": [{"index": None, "delta": {"content": "hi"}}]}, END],
        [{"choices": [{"delta": {"role": "exception", "content": "hi"}}]}, END],
        [{"choices": [{"delta": {"content": [{"type": "text", "text": "hi"}]}}]}, END],
        [chunk("", "stop", content="hi", tool_calls=[]), END],
        [HI, {"choices": [{"delta": {"tool_calls": {}}}]}, END],
        [chunk("", "stop", content="hi", tool_calls=None, function_call=None), END],
        [HI, END, END],
        [HI, END, chunk("", "length")],
        [{**chunk("hi"), "error": None}, END],
        [chunk("hi", ""), END],
    ],
)
@pytest.mark.parametrize("service", [ORQ, ATOMA, EMISSARY])
def test_lenient_reading(service, events):
    answer = reply(service, sse(*events))
    assert (answer.text, answer.choice.finish_reason) == ("hi", "stop")
    assert answer.choice.tool_calls == ()


def test_legacy_function_calls():
    call = {"name": "f", "arguments": '{"x":1}'}
    answer = reply(ATOMA, sse(chunk("", "function_call", function_call=call)))
    assert [(each.name, each.arguments) for each in answer.choice.tool_calls] == [("f", '{"x":1}')]


def test_choices_are_told_apart():
    def said(index, text, reason=None):
        return {"index": index, "delta": {"content": text}, "finish_reason": reason}

    body = sse(
        {"id": "c", "choices": [said(0, "a"), said(1.0, "x")]},
        {"id": "c", "choices": [said(1, "y", "length")]},
        {"id": "c", "choices": [said(0, "b", "stop")], "usage": USAGE},
    )
    answer = reply(ORQ, body)
    assert [(c.index, c.text, c.finish_reason) for c in answer.choices] == [
        (0, "ab", "stop"),
        (1, "xy", "length"),
    ]
    assert [choice.metadata for choice in answer.choices] == 2 * [{"id": "c"}]


def test_rarities():
    log = [{"token": "hi", "logprob": float("-inf")}]
    events = [
        chunk("", None, reasoning="a"),
        chunk("", None, reasoning="b", reasoning_signature="s", redacted_reasoning="r"),
        chunk("", None, refusal="I "),
        {"choices": [{"index": 0, "delta": {"refusal": "won"}}]},
        chunk("", None, refusal="'t."),
        chunk("", None, audio={"id": "a1"}),
        {"choices": [{"index": 0, "delta": {"audio": {"id": "a1"}}}]},
        {"choices": [{"index": 0, "delta": {}, "logprobs": {"content": log, "refusal": None}}]},
        {"choices": [{"index": 0, "delta": {}, "logprobs": {"content": log}}]},
        END,
    ]
    choice = reply(ORQ, sse(*events)).choice
    assert choice.reasoning == Reasoning("ab", "s", "r")
    assert choice.refusal == "I won't."
    assert choice.audio == {"id": "a1"}
    assert choice.logprobs == {"content": log + log, "refusal": None}


def test_a_refusal_beside_the_message():
    choice = {"index": 0, "message": {"role": "assistant", "content": None}, "refusal": "No."}
    body = json.dumps({"choices": [choice | {"finish_reason": "stop"}]}).encode()
    assert reply(EMISSARY, body, JSON).choice.refusal == "No."


@pytest.mark.parametrize("text", ["\ud83d", "a\ud83d\ude00"])
def test_half_of_a_surrogate_pair_is_not_the_end(text):
    body = sse(chunk(text), END)  # as JavaScript writes a string that it cut
    assert reply(ORQ, body).text.encode()


def test_what_follows_the_end_marker_is_not_read():
    given = deltas(ORQ, sse(HI, END, DONE, chunk("more"), "garbage"))
    assert "".join(delta.text for delta in given) == "hi"


def test_deltas_come_as_soon_as_their_events():
    reader = Reader(ORQ, SSE, streamed=True)
    assert [delta.text for delta in reader.feed(sse(HI))] == ["hi"]
    assert [delta.text for delta in reader.feed(sse(HI, HI))] == ["hi", "hi"]
    assert not reader.done


def test_the_time_of_an_answer_is_a_whole_number():
    created = reply(ORQ, sse({**END, "created": 1760534948.0})).choice.metadata["created"]
    assert repr(created) == "1760534948"
