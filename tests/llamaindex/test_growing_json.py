"""JSON in pieces: the same as in one, at the same cost for every piece."""

from __future__ import annotations

import copy
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamaindex_emissary.growing_json import GrowingJson

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


def read(text: str, cuts: list[int], **options: Any) -> GrowingJson:
    parsed = GrowingJson(**options)
    borders = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    shown = []
    for begin, end in pairwise(borders):
        parsed.feed(text[begin:end])
        shown.append((parsed.value, copy.deepcopy(parsed.value)))
    assert all(given == then for given, then in shown), "what was given out has changed"
    return parsed


@given(st.dictionaries(st.text(), VALUES), st.lists(st.integers(0, 10_000)), st.booleans())
def test_pieces_are_as_good_as_the_whole(value: Any, cuts: list[int], plain: bool) -> None:
    parsed = read(json.dumps(value, ensure_ascii=plain), cuts)
    assert parsed.whole
    assert not parsed.broken
    assert json.dumps(parsed.value) == json.dumps(value)


@given(st.text(alphabet='{}[]",:\\u01aeE+-. tfn', max_size=30))
def test_what_json_refuses_is_never_whole(text: str) -> None:
    parsed = read(text, list(range(len(text))))
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        assert not parsed.whole or parsed.broken
        return
    if isinstance(value, dict):
        assert parsed.whole
        assert parsed.value == value
    else:
        assert not parsed.whole


def test_every_prefix_is_readable() -> None:
    text = '{"a": "x\\u00e9\\ud83d\\ude00\\n", "b": [1, {"c": null, "d": [true, -2.5e3]}], "e": {}}'
    parsed = GrowingJson()
    for char in text:
        parsed.feed(char)
        json.dumps(parsed.value)
        assert not parsed.broken
    assert parsed.value == json.loads(text)


def test_lenient_reads_what_stands_in_prose() -> None:
    parsed = read('Sure:\n```json\n{"a": {"b": 1}}\n``` {"c"', [3, 20], lenient=True)
    assert parsed.value == {"a": {"b": 1}}
    assert parsed.whole


@pytest.mark.parametrize("shape", ["text", "numbers", "objects"])
def test_no_piece_costs_more_than_the_ones_before(shape: str) -> None:
    def cost(count: int) -> float:
        pieces = {
            "text": ['{"a": "', *["word "] * count, '"}'],
            "numbers": ['{"a": [0', *[", 1"] * count, "]}"],
            "objects": ['{"a": [{}', *[', {"b": 1}'] * count, "]}"],
        }[shape]
        best = float("inf")
        for _ in range(3):
            parsed = GrowingJson()
            begin = time.process_time()
            for each in pieces:
                parsed.feed(each)
                assert parsed.value is not None
            best = min(best, time.process_time() - begin)
        assert parsed.whole
        return best / count

    assert cost(8_000) < 4 * cost(1_000)
