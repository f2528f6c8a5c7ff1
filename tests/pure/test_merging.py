"""Which call a streamed piece of a tool call belongs to."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport.assembly import assembled
from emissary_transport.merging import ToolMerger
from emissary_transport.types import Delta


def piece(index=None, call_id=None, name=None, arguments=None, **more):
    """A tool delta as it may come: what is None is left out."""
    function = {"name": name, "arguments": arguments}
    given = {"index": index, "id": call_id, "type": "function", **more}
    given["function"] = {key: value for key, value in function.items() if value is not None}
    return {key: value for key, value in given.items() if value is not None}


def fragments(*events):
    merger = ToolMerger()
    return [fragment for event in events for fragment in merger.fragments(event)]


def calls(*events):
    """(name, arguments) of each call that the events add up to."""
    found = assembled([Delta(tool_fragments=fragments(*events))]).choice.tool_calls
    assert all(call.id for call in found)
    assert len({call.id for call in found}) == len(found)
    return [(call.name, call.arguments) for call in found]


P, B = ("f", '{"x":1}'), ("g", '{"y":2}')
START, END = '{"x"', ":1}"

STREAMS = {
    "by index": (
        [[piece(0, "a", "f", "")], [piece(0, arguments=START)], [piece(0, arguments=END)]],
        [P],
    ),
    "whole calls in one event": (
        [[piece(0, "a", "f", '{"x":1}'), piece(1, "b", "g", '{"y":2}')]],
        [P, B],
    ),
    "whole calls in one event, ids only": (
        [[piece(None, "a", "f", '{"x":1}'), piece(None, "b", "g", '{"y":2}')]],
        [P, B],
    ),
    "whole calls in one event, neither index nor id": (
        [[piece(name="f", arguments='{"x":1}'), piece(name="g", arguments='{"y":2}')]],
        [P, B],
    ),
    "pieces of two calls in each event, neither index nor id": (
        [
            [piece(name="f", arguments=START), piece(name="g", arguments='{"y"')],
            [piece(arguments=END), piece(arguments=":2}")],
        ],
        [P, B],
    ),
    "interleaved by index": (
        [
            [piece(0, "a", "f", START)],
            [piece(1, "b", "g", '{"y"')],
            [piece(0, arguments=END)],
            [piece(1, arguments=":2}")],
        ],
        [P, B],
    ),
    "interleaved by id": (
        [
            [piece(None, "a", "f", START)],
            [piece(None, "b", "g", '{"y"')],
            [piece(None, "a", arguments=END)],
            [piece(None, "b", arguments=":2}")],
        ],
        [P, B],
    ),
    "ids and names on every piece": (
        [
            [piece(None, "a", "f", "")],
            [piece(None, "a", "f", START)],
            [piece(None, "a", "f", END)],
            [piece(None, "b", "g", '{"y":2}')],
        ],
        [P, B],
    ),
    "index, id and name on every piece": (
        [[piece(0, "a", "f", START)], [piece(0, "a", "f", END)], [piece(1, "b", "g", '{"y":2}')]],
        [P, B],
    ),
    "index and name on every piece, without ids": (
        [[piece(0, None, "f", START)], [piece(0, None, "f", END)]],
        [P],
    ),
    "indexes that are floats": (
        [
            [piece(0.0, "a", "f", START)],
            [piece(1.0, "b", "g", '{"y":2}')],
            [piece(0, None, None, END)],
        ],
        [P, B],
    ),
    "indexes with gaps": (
        [
            [piece(1, "a", "f", START)],
            [piece(3, "b", "g", '{"y"')],
            [piece(1, arguments=END)],
            [piece(3, arguments=":2}")],
        ],
        [P, B],
    ),
    "index 0 for every call, new ids": (
        [
            [piece(0, "a", "f", START)],
            [piece(0, arguments=END)],
            [piece(0, "b", "g", '{"y"')],
            [piece(0, arguments=":2}")],
        ],
        [P, B],
    ),
    "index 0 for every call, new ids, one tool": (
        [[piece(0, "a", "f", '{"x":1}')], [piece(0, "b", "f", '{"x":1}')]],
        [P, P],
    ),
    "index 0 for every call, no ids": (
        [[piece(0, None, "f", '{"x":1}')], [piece(0, None, "g", '{"y":2}')]],
        [P, B],
    ),
    "a new id for every piece": (
        [
            [piece(0, "a", "f", START)],
            [piece(0, "b", arguments=END)],
            [piece(1, "c", "g", '{"y":2}')],
        ],
        [P, B],
    ),
    "names only": (
        [
            [piece(name="f", arguments="")],
            [piece(arguments=START)],
            [piece(arguments=END)],
            [piece(name="g", arguments='{"y":2}')],
        ],
        [P, B],
    ),
    "one tool twice with the same arguments, by index": (
        [[piece(0, "a", "f", '{"x":1}')], [piece(1, "b", "f", '{"x":1}')]],
        [P, P],
    ),
    "one tool twice with the same arguments, by id": (
        [[piece(None, "a", "f", '{"x":1}')], [piece(None, "b", "f", '{"x":1}')]],
        [P, P],
    ),
    "one tool twice with the same arguments, by nothing": (
        [[piece(name="f", arguments='{"x":1}')], [piece(name="f", arguments='{"x":1}')]],
        [P, P],
    ),
    "one tool twice with the same arguments, by nothing, in one event": (
        [[piece(name="f", arguments='{"x":1}'), piece(name="f", arguments='{"x":1}')]],
        [P, P],
    ),
    "one tool twice by nothing, name before arguments": (
        [
            [piece(name="f", arguments="")],
            [piece(arguments='{"x":1}')],
            [piece(name="f", arguments="")],
            [piece(arguments='{"x":1}')],
        ],
        [P, P],
    ),
    "a name in pieces": (
        [
            [piece(0, "a", "get_", "")],
            [piece(0, None, "weather", "")],
            [piece(0, arguments="{}")],
        ],
        [("get_weather", "{}")],
    ),
    "a name after its id": ([[piece(0, "a")], [piece(0, None, "f", '{"x":1}')]], [P]),
    "an id after its name, by index": (
        [[piece(0, None, "f", START)], [piece(0, "a", None, END)]],
        [P],
    ),
    "an id after its name, by nothing": (
        [[piece(None, None, "f", START)], [piece(None, "a", None, END)]],
        [P],
    ),
    "whitespace after whole arguments": (
        [[piece(0, None, "f", '{"x":1}')], [piece(0, None, "f", "")], [piece(0, None, "f", "\n")]],
        [("f", '{"x":1}\n')],
    ),
    "null arguments": (
        [[{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}]],
        [("f", "")],
    ),
    "no arguments": ([[piece(0, "a", "f")]], [("f", "")]),
    "arguments as an object": ([[piece(0, "a", "f", {"x": "ř"})]], [("f", '{"x": "ř"}')]),
    "arguments as an empty object": ([[piece(0, "a", "f", {})]], [("f", "{}")]),
    "nulls beside everything": (
        [
            [piece(0, "a", "f", START)],
            [
                {
                    "index": None,
                    "id": None,
                    "type": None,
                    "function": {"name": None, "arguments": END},
                }
            ],
        ],
        [P],
    ),
    "no function": ([[piece(0, "a", "f", '{"x":1}')], [{"index": 0, "function": None}]], [P]),
    "pieces that are none": ([[piece(0, "a", "f", '{"x":1}'), None, "x", 7]], [P]),
    "words of the wrong type": (
        [[{"index": "0", "id": 7, "function": {"name": "f", "arguments": '{"x":1}'}}]],
        [P],
    ),
    "an index that is no number": ([[piece(float("nan"), "a", "f", '{"x":1}')]], [P]),
    "a function that is no object": ([[piece(0, "a", "f", '{"x":1}')], [{"function": "f"}]], [P]),
    "nothing": ([[], []], []),
}


@pytest.mark.parametrize(("events", "expected"), STREAMS.values(), ids=STREAMS)
def test_calls_come_out_whole(events, expected):
    assert calls(*events) == expected


def test_id_and_name_are_told_once_and_indexes_count_from_0():
    found = fragments(
        [piece(1, "a", "f", "")],
        [piece(1, "a", "f", "{")],
        [piece(3.0, "b", "g", "")],
        [piece(1, "a", "f", "}")],
    )
    assert [(f.index, f.id, f.name, f.arguments) for f in found] == [
        (0, "a", "f", ""),
        (0, None, None, "{"),
        (1, "b", "g", ""),
        (0, None, None, "}"),
    ]


def test_a_call_without_an_id_gets_one_that_stays():
    first, second = fragments([piece(0, None, "f", "{")], [piece(0, None, None, "}")])
    assert first.id
    assert second.id is None


def test_pieces_that_add_nothing_are_left_out():
    assert len(fragments([piece(0, "a", "f", "{}")], [piece(0, "a", "f", "")], [piece(0)])) == 1


def test_thought_signatures_stay_with_their_calls():
    found = assembled(
        [
            Delta(
                tool_fragments=fragments(
                    [piece(0, "a", "f", "{}", thought_signature="s1"), piece(1, "b", "g", "{}")],
                    [piece(1, thought_signature="s2")],
                )
            )
        ]
    )
    assert [call.thought_signature for call in found.choice.tool_calls] == ["s1", "s2"]


FORMS = {
    "index": lambda at, first, name: piece(
        at, f"id{at}" if first else None, name if first else None
    ),
    "id": lambda at, first, name: piece(None, f"id{at}", name if first else None),
    "both, repeated": lambda at, first, name: piece(float(at), f"id{at}", name),
    "orq seed": lambda at, first, name: piece(None, f"id{at}", name),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(
    arguments=st.lists(
        st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=3),
        min_size=1,
        max_size=4,
    ),
    chance=st.integers().map(random.Random),
)
def test_arguments_cut_anywhere_and_interleaved(form, arguments, chance):
    texts = [json.dumps(each, ensure_ascii=False) for each in arguments]
    left, events, begun = dict(enumerate(texts)), [], set()
    while left:
        at = chance.choice(sorted(left)) if len(begun) == len(texts) else len(begun)
        size = chance.randrange(1 + len(left[at]))
        one = form(at, at not in begun, f"tool{at % 2}")
        one["function"]["arguments"] = left[at][:size]
        left[at] = left[at][size:]
        if not left[at]:
            del left[at]
        begun.add(at)
        events.append([one])
    assert calls(*events) == [(f"tool{at % 2}", text) for at, text in enumerate(texts)]


@given(
    st.text(alphabet='{}":,x1 ', min_size=1).map(lambda text: '{"x":"' + text),
    st.integers().map(random.Random),
)
def test_arguments_without_index_or_id_go_to_the_last_call(text, chance):
    events = [[piece(None, "a", "f", "")], [piece(None, "b", "g", "")]]
    while text:
        size = chance.randrange(1, 5)
        events.append([piece(arguments=text[:size])])
        text = text[size:]
    sent = "".join(one["function"]["arguments"] for [one] in events)
    assert calls(*events) == [("f", ""), ("g", sent)]
