"""The stream reader: any bytes, cut anywhere, give the same as the whole, or a clear error."""

import json

from hypothesis import given
from hypothesis import strategies as st

from emissary_transport import sse
from emissary_transport.errors import BadAnswer
from emissary_transport.reading import Reader
from fuzz.given import CONTENT_TYPES, JSON_VALUES, SERVICES, TEXTS, cut, result, steady
from pure.examples import STREAMS
from pure.examples import example as recorded

BITS = st.sampled_from(
    [b"data:", b"data: ", b"event: error\n", b"event:x\n", b"id: 1\n", b": hi\n", b"retry: 9\n",
     b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"[DONE]", b"{", b"}", b"[",
     b'"',
     b'{"choices":[{"delta":{"content":"h\xc3\xa9"}}]}', b'{"response":"ab"}',
     b'{"choices":[{"delta":{},"finish_reason":"stop"}]}', b'{"error":{"code":"x","message":"y"}}',
     b'{"choices":[],"usage":{"prompt_tokens":1}}', b"\xf0\x9f", b"\x8c\x8a", b"\x00", b"null",
     b'{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}', b"dat", b"a: "]
)  # fmt: skip
BODIES = st.lists(BITS | st.binary(max_size=4), max_size=14).map(b"".join)
EVENTS = st.lists(
    st.builds(
        lambda before, value, end: before + json.dumps(value).encode() + end,
        st.sampled_from([b"data: ", b"data:", b": x\n\ndata: ", b"event: message\ndata: "]),
        JSON_VALUES
        | st.builds(lambda choice: {"choices": [choice]}, st.dictionaries(
            st.sampled_from(["index", "delta", "message", "text", "finish_reason", "logprobs"]),
            JSON_VALUES | st.dictionaries(st.sampled_from(
                ["content", "tool_calls", "role", "refusal", "reasoning", "audio"]), JSON_VALUES),
            max_size=4)),
        st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n"]),
    ),
    max_size=5,
).map(b"".join)  # fmt: skip


def compare(data, body, service, content_type, **how):
    def make():
        return Reader(service, content_type, **how)

    assert result(data.draw(cut(body)), make) == result([body], make)


@steady
@given(st.data(), BODIES, SERVICES, CONTENT_TYPES, st.booleans())
def test_any_bytes_cut_anywhere(data, body, service, content_type, streamed):
    compare(data, body, service, content_type, streamed=streamed)


@steady
@given(st.data(), EVENTS, SERVICES, CONTENT_TYPES, st.lists(TEXTS.filter(bool), max_size=2))
def test_any_events_cut_anywhere(data, body, service, content_type, stop):
    compare(data, body, service, content_type, streamed=True, stop=stop)


@steady
@given(st.data(), st.sampled_from(STREAMS), SERVICES, st.integers(0, 5000), st.binary(max_size=3))
def test_recorded_streams_that_are_spoilt(data, name, service, place, spoilt):
    body = recorded(name)
    place %= len(body)
    body = body[:place] + spoilt + body[place + len(spoilt) :]
    compare(data, body, service, "text/event-stream", streamed=True)


SPLITTERS = st.sampled_from([sse.EventSplitter, sse.LineSplitter, sse.WholeBody])


def split(pieces, splitter):
    """The events, and whether one was too long."""
    events = []
    try:
        for piece in pieces:
            events += splitter.feed(piece)
        return [*events, *splitter.close()], False
    except BadAnswer:
        return events, True


@steady
@given(st.data(), BODIES, SPLITTERS, st.integers(1, 40))
def test_bounds_do_not_depend_on_where_it_is_cut(data, body, splitter, limit):
    pieces = data.draw(cut(body))
    assert split(pieces, splitter(limit)) == split([body], splitter(limit))


@steady
@given(BODIES, SPLITTERS, st.integers(1, 40))
def test_no_event_is_longer_than_the_bound(body, splitter, limit):
    events, _ = split([body[at : at + 3] for at in range(0, len(body), 3)], splitter(limit))
    assert all(len(event) <= limit + 1 for event in events)
