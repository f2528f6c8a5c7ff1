"""Bodies into events, wherever the network cuts them."""

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport.errors import BadAnswer
from emissary_transport.sse import (
    ErrorData,
    EventSplitter,
    LineSplitter,
    TextPieces,
    WholeBody,
)
from pure.examples import STREAMS, example


def events(body, splitter=None, size=None):
    splitter = splitter or EventSplitter()
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    return [event for piece in pieces for event in splitter.feed(piece)] + splitter.close()


def by_the_standard(body):
    """The WHATWG algorithm, line by line; an event without data or at the end is one too."""
    found, data = [], []
    for line in [*re.split("\r\n|\r|\n", body.decode().removeprefix("\ufeff")), ""]:
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            found.append("\n".join(data).encode())
            data = []
    return [event for event in found if event]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"data: 1\r\rdata: 2\r\r", [b"1", b"2"]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"]),
        (b"data: 1\r\n\ndata: 2\n\r\ndata: 3\n\rdata: 4\r\r\n", [b"1", b"2", b"3", b"4"]),
        (b"\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"data: one\ndata: two\n\n", [b"one\ntwo"]),
        (b"data: one\r\ndata\r\ndata: two\r\n\r\n", [b"one\n\ntwo"]),
        (b"data:1\n\n", [b"1"]),
        (b"data:  two spaces\n\n", [b" two spaces"]),
        (b"data: a: b:c\n\n", [b"a: b:c"]),
        (b"data\n\ndata:\n\ndata: \n\n", []),
        (b": hi\n\n:\n\ndata: 1\n: there\ndata: 2\n\n", [b"1\n2"]),
        (b"event: message\nid: 7\nretry: 10\ndata: 1\nnonsense\nDATA: 2\n data: 3\n\n", [b"1"]),
        (b"data: last", [b"last"]),
        (b"data: last\n", [b"last"]),
        (b"data: 1\n\n: bye", [b"1"]),
        (b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: not at the start\n\n", [b"1"]),
        (b"\xef\xbb\xbf\n\ndata: 1\n\n", [b"1"]),
        (b"", []),
        (b"\xef\xbb\xbf", []),
    ],
)
def test_grammar_at_every_border(body, expected):
    assert events(body) == expected
    assert events(body, size=1) == expected
    for cut in range(len(body)):
        splitter = EventSplitter()
        found = splitter.feed(body[:cut]) + splitter.feed(b"") + splitter.feed(body[cut:])
        assert found + splitter.close() == expected, body[:cut]


def test_an_event_comes_with_its_blank_line_and_not_later():
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\n") == []
    assert splitter.feed(b"\n") == [b"1"]
    assert splitter.feed(b"data: 2\r\n\r") == [b"2"]
    assert splitter.feed(b"\ndata: 3\n\n") == [b"3"]


def test_an_event_named_error_is_marked():
    plain, failed = events(b"data: x\n\nevent: error\ndata: y\n\n")
    assert not isinstance(plain, ErrorData)
    assert isinstance(failed, ErrorData)
    assert failed == b"y"


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_examples_cut_anywhere(name, end):
    body = example(name).replace(b"\n", end)
    whole = by_the_standard(body)
    assert whole
    assert events(body, size=1) == whole
    for cut in range(len(body)):
        splitter = EventSplitter()
        assert splitter.feed(body[:cut]) + splitter.feed(body[cut:]) + splitter.close() == whole


def clothed(text, end, chance):
    """A text as one event, with any optional thing that may stand in it."""
    lines = [
        f"data:{line}" if line[:1] != " " and chance.random() < 0.5 else f"data: {line}"
        for line in text.split("\n")
    ]
    for noise in (": comment", "id: 1", "event: token", "retry: 5", "data2: x", ":"):
        if chance.random() < 0.3:
            lines.insert(chance.randrange(len(lines) + 1), noise)
    return "".join(line + end for line in lines) + end


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\r", codec="utf-8"), min_size=1)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    start=st.sampled_from(["", "\ufeff"]),
    chance=st.integers().map(random.Random),
)
def test_any_events_in_any_clothes_and_pieces(texts, end, start, chance):
    body = (start + "".join(clothed(text, end, chance) for text in texts)).encode()
    splitter, found = EventSplitter(), []
    while body:
        size = chance.randrange(12)
        found += splitter.feed(body[:size])
        body = body[size:]
    assert found + splitter.close() == [text.encode() for text in texts]


@pytest.mark.parametrize("splitter", [EventSplitter, LineSplitter])
def test_an_endless_event_is_an_error_after_what_came_before(splitter):
    bounded = splitter(limit=1000)
    assert bounded.feed(b"data: 1\n\ndata: " + 700 * b"x")
    bounded.feed(400 * b"x")
    with pytest.raises(BadAnswer, match="1,000 bytes"):
        bounded.feed(b"x")


def test_an_endless_body_is_an_error():
    bounded = WholeBody(limit=1000)
    assert bounded.feed(1000 * b"x") == []
    with pytest.raises(BadAnswer, match="1,000 bytes"):
        bounded.feed(b"x")


@pytest.mark.parametrize("splitter", [EventSplitter, LineSplitter, WholeBody])
def test_a_long_event_costs_no_more_a_byte(splitter):
    body = b"data: " + 4_000_000 * b"x" + b"\n\n"
    begun = time.process_time()
    assert len(events(body, splitter(), size=100)) == 1
    assert time.process_time() - begun < 2  # to copy what there is for each piece takes 10 and more


@pytest.mark.parametrize(
    ("splitter", "body", "expected"),
    [
        (LineSplitter, b'{"a":1}\n\r\n  {"a":2}\r\n{"a":3}', [b'{"a":1}', b'{"a":2}', b'{"a":3}']),
        (LineSplitter, b'{"a":1}\n', [b'{"a":1}']),
        (LineSplitter, b"\n \n", []),
        (WholeBody, b' \n{"a":\n1}\n', [b'{"a":\n1}']),
        (WholeBody, b"\xef\xbb\xbf{}", [b"{}"]),
        (WholeBody, b" \n", []),
    ],
)
def test_bodies_without_events(splitter, body, expected):
    assert events(body, splitter()) == expected
    assert events(body, splitter(), size=1) == expected


def test_plain_text_is_cut_at_characters_only():
    text = "Řeka 🌊"
    pieces = events(text.encode(), TextPieces(), size=1)
    assert [piece.decode() for piece in pieces] == list(text)
    assert events("Ř".encode()[:1], TextPieces()) == ["\ufffd".encode()]
