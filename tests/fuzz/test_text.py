"""Stop cutting, prompted tools and tool merging, each fed whatever comes, cut anywhere."""

import json

from hypothesis import given
from hypothesis import strategies as st

from emissary_transport import EMISSARY, ORQ, Call, Message
from emissary_transport.cutting import StopCutter
from emissary_transport.exchange import Exchange
from emissary_transport.merging import ToolMerger
from fuzz.given import JSON_VALUES, TEXTS, cut, result, steady
from pure.examples import chunk, sse

WORDS = st.lists(
    st.sampled_from(
        ["<tool_call>", "</tool_call>", '{"name": "say", "arguments": {"a": 1}}', "[", "]", "\n",
         '{"name": "say", "arguments": {', "}", "```json\n", "\n```", "<think>", "</think>", "é🌊",
         "[TOOL_CALLS]", "<function=say>", "</function>", "STOP", "ST", "plain. ", '"', "\\", "{}"]
    ) | TEXTS,
    max_size=10,
).map("".join)  # fmt: skip
SAY = {"type": "function", "function": {"name": "say", "parameters": {"type": "object"}}}
STOPS = st.lists(st.text(alphabet="ab.STOP", min_size=1, max_size=4), min_size=1, max_size=3)


@steady
@given(st.text(alphabet="ab.STOP é", max_size=30), STOPS, st.data())
def test_a_stop_cuts_the_same_wherever_the_text_is_cut(text, stops, data):
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    cutter = StopCutter(tuple(stops))
    given_out = "".join(
        cutter.feed(text[a:b]) for a, b in zip([0, *places], [*places, len(text)], strict=True)
    )
    found = [text.find(stop) for stop in stops if stop in text]
    assert cutter.cut == bool(found)
    assert given_out + cutter.close() == text[: min(found, default=len(text))]


def streamed(text, pieces):
    """An answer in so many events."""
    size = max(1, -(-len(text) // pieces))
    spoken = [chunk(text[at : at + size]) for at in range(0, len(text), size)]
    return sse(*spoken, chunk("", "stop"), "[DONE]")


def outcome(call, body_pieces, service=EMISSARY):
    return result(body_pieces, lambda: Exchange(service, call).reader("text/event-stream"))


@steady
@given(st.data(), WORDS, st.integers(1, 30), st.sampled_from([None, "auto", "required", "none"]),
       st.booleans(), STOPS | st.just([]))  # fmt: skip
def test_prompted_tools_in_any_text_cut_anywhere(data, text, pieces, choice, json_too, stops):
    call = Call(
        messages=(Message("user", "hi"),),
        model="m",
        stream=True,
        tools=(SAY,),
        tool_choice=choice,
        response_format={"type": "json_object"} if json_too else None,
        stop=tuple(stops),
    )
    one_event = outcome(call, [streamed(text, 1)])
    assert outcome(call, data.draw(cut(streamed(text, pieces)))) == one_event


FRAGMENT = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(-1, 3) | st.none() | st.floats(0, 3) | JSON_VALUES,
        "id": st.sampled_from(["a", "b", "", None]) | JSON_VALUES,
        "type": JSON_VALUES,
        "function": st.fixed_dictionaries({}, optional={
            "name": st.sampled_from(["say", "", None]) | JSON_VALUES,
            "arguments": st.sampled_from(["{", '"a": 1', "}", "", None]) | JSON_VALUES,
        }) | JSON_VALUES,
    },
)  # fmt: skip


@steady
@given(st.lists(st.lists(FRAGMENT | JSON_VALUES, max_size=3), max_size=5))
def test_tool_fragments_of_any_shape_are_merged(events):
    merger = ToolMerger()
    begun = set()
    for event in events:
        for piece in merger.fragments(event):
            assert piece.index in begun or piece.index == len(begun)
            begun.add(piece.index)
            assert isinstance(piece.arguments, str)


@steady
@given(st.data(), st.lists(st.lists(FRAGMENT, max_size=3), max_size=5))
def test_tool_fragments_in_a_stream_cut_anywhere(data, events):
    parts = [json.dumps(chunk("", tool_calls=event)) for event in events]
    body = sse(*parts, chunk("", "tool_calls"), "[DONE]")
    call = Call(messages=(Message("user", "hi"),), model="m", stream=True)
    assert outcome(call, data.draw(cut(body)), ORQ) == outcome(call, [body], ORQ)
