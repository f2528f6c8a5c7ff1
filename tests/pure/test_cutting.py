"""Stop sequences that are cut here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport import EMISSARY, EMISSARY_DEPLOYMENT, ORQ
from emissary_transport.assembly import assembled
from emissary_transport.cutting import StopCutter
from emissary_transport.reading import Reader
from pure.examples import JSON, chunk, deltas, sse


def before_the_earliest(text, stop):
    found = [at for at in map(text.find, stop) if at >= 0]
    return text[: min(found)] if found else text


@given(
    st.lists(st.text("abc"), max_size=12),
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4),
)
def test_the_text_before_the_earliest_match_wherever_it_is_cut(pieces, stop):
    cutter = StopCutter(stop)
    given = "".join(map(cutter.feed, pieces)) + cutter.close()
    whole = "".join(pieces)
    assert given == before_the_earliest(whole, stop)
    assert cutter.cut == (given != whole)


@pytest.mark.parametrize(
    ("stop", "pieces", "given"),
    [
        (["END"], ["the E", "ND of"], ["the ", ""]),
        (["END"], ["the E", "nd"], ["the ", "End"]),
        (["\n\n"], ["a\n", "\nb"], ["a", ""]),
        (["ab", "b"], ["a", "bc"], ["", ""]),
        (["abcd", "bc"], ["abc", "x"], ["", "a"]),
        (["abcd", "bc"], ["abc", "d"], ["", ""]),
        (["x", "xyz"], ["axyz"], ["a"]),
        (["🌊"], ["a🌊b", "c"], ["a", ""]),
        (["aab"], ["aaa", "ab"], ["a", "a"]),
    ],
)
def test_only_what_may_be_a_match_is_held_back(stop, pieces, given):
    cutter = StopCutter(stop)
    assert [cutter.feed(piece) for piece in pieces] == given


def test_nothing_comes_after_the_cut():
    cutter = StopCutter(["x"])
    assert [cutter.feed(piece) for piece in ("ax", "b", "")] == ["a", "", ""]
    assert cutter.close() == ""


STREAMS = {
    "openai": (EMISSARY, [chunk("the E"), chunk("ND of it"), chunk(" all"), chunk("", "length")]),
    "increments": (EMISSARY_DEPLOYMENT, [{"id": "x", "response": r} for r in ("the E", "ND", "!")]),
    "so far": (EMISSARY_DEPLOYMENT, [{"id": "x", "response": r} for r in ("the E", "the END of")]),
    "literal": (EMISSARY_DEPLOYMENT, ["the E", "ND of it"]),
    "alone": (EMISSARY_DEPLOYMENT, [{"id": "x", "response": r} for r in ("the ", "END")]),
}


@pytest.mark.parametrize(("service", "events"), STREAMS.values(), ids=STREAMS)
def test_a_cut_ends_the_answer(service, events):
    given = deltas(service, sse(*events), stop=("END",), size=1)
    reply = assembled(given)
    assert (reply.text, reply.choice.finish_reason) == ("the ", "stop")
    assert sum(delta.finish_reason is not None for delta in given) == 1
    assert sum(delta.metadata is not None for delta in given) == 1 or events[0] == "the E"


def test_a_reader_is_done_with_the_cut():
    reader = Reader(ORQ, "text/event-stream", streamed=True, stop=["END"])
    assert [delta.text for delta in reader.feed(sse(chunk("the E")))] == ["the "]
    assert not reader.done
    list(reader.feed(sse(chunk("ND"), chunk("never read"))))
    assert reader.done
    assert not reader.marked
    assert reader.events == 2


def test_text_held_back_is_given_at_the_end():
    for ending in (sse(chunk("", "length")), sse("[DONE]")):
        given = deltas(ORQ, sse(chunk("the E")) + ending, stop=["END"])
        assert "".join(delta.text for delta in given) == "the E"


def test_a_match_found_at_the_end_is_why_it_ended():
    given = deltas(ORQ, sse(chunk("abc"), chunk("", "length")), stop=["abcd", "bc"])
    reply = assembled(given)
    assert (reply.text, reply.choice.finish_reason) == ("a", "stop")


def test_whole_answers_are_cut_and_keep_their_usage():
    body = (
        b'{"id": "x", "choices": [{"message": {"content": "the END"}, "finish_reason": "length"}],'
        b' "usage": {"prompt_tokens": 1, "completion_tokens": 2}}'
    )
    reply = assembled(deltas(EMISSARY, body, JSON, stop=["END"]))
    assert (reply.text, reply.choice.finish_reason) == ("the ", "stop")
    assert reply.usage.total_tokens == 3
    assert reply.choice.metadata == {"id": "x"}


def test_each_choice_is_cut_by_itself():
    def said(index, text):
        return {"choices": [{"index": index, "delta": {"content": text}}]}

    events = [
        said(0, "a"),
        said(1, "x"),
        said(0, "END"),
        said(1, "y"),
        said(1, "END"),
        said(1, "z"),
    ]
    reply = assembled(deltas(ORQ, sse(*events), stop=["END"]))
    assert [choice.text for choice in reply.choices] == ["a", "xy"]


def test_a_choice_that_has_not_begun_is_waited_for():
    first = {"choices": [{"index": 0, "delta": {"content": "aEND"}}]}
    second = {"choices": [{"index": 1, "delta": {"content": "bEND"}}]}
    reply = assembled(deltas(ORQ, sse(first, second, "garbage"), stop=["END"], choices=2))
    assert [choice.text for choice in reply.choices] == ["a", "b"]
