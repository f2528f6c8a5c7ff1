"""Shapes tell the first thing that is wrong."""

from __future__ import annotations

import doctest

import pytest

from emissary_emulator import faults, shapes
from emissary_emulator.brain import answers, words
from emissary_emulator.shapes import (
    anything,
    count,
    either,
    flag,
    integer,
    listed,
    mapping,
    nullable,
    number,
    one_of,
    record,
    tagged,
    text,
)

ANIMAL = tagged(
    "kind",
    {
        "cat": record({"kind*": one_of("cat"), "lives*": integer(1, 9)}),
        "dog": record({"kind*": one_of("dog"), "name": text(most=3)}),
    },
)


@pytest.mark.parametrize(
    ("shape", "value", "problem"),
    [
        (text(), "x", None),
        (text(), 1, "body: must be a string, not an integer"),
        (text(least=1), "", "body: must not be empty"),
        (text("[a-z]+"), "A", "body: must match [a-z]+"),
        (one_of("a", "b"), "c", "body: must be one of a, b"),
        (number(0, 1), 1.5, "body: must not be above 1"),
        (number(), True, "body: must be a number or an integer, not a boolean"),
        (integer(1), 0, "body: must not be below 1"),
        (integer(), 1.0, "body: must be an integer, not a number"),
        (count(), 1.0, None),
        (count(), 1.5, "body: must be a whole number"),
        (flag(), None, "body: must be a boolean, not null"),
        (nullable(flag()), None, None),
        (nullable(text(least=1)), "", "body: must not be empty"),
        (either(text(), listed(text())), ["a", 1], "body[1]: must be a string, not an integer"),
        (either(text(), listed(text())), 1, "body: must be a string or an array, not an integer"),
        (listed(text(), least=1), [], "body: must not be empty"),
        (listed(text(), most=1), ["a", "b"], "body: must not have more than 1 entries"),
        (mapping(text(), "[a-z]"), {"A": "x"}, ".A: key must match [a-z]"),
        (mapping(integer()), {"a": "x"}, ".a: must be an integer, not a string"),
        (record({"a*": text()}), {}, "a: is missing"),
        (record({"a": text()}), {"b": 1}, "b: is not a known field"),
        (record({"a": text()}, open_ended=True), {"b": 1}, None),
        (record({"a": record({"b*": text()})}), {"a": {}}, "a.b: is missing"),
        (ANIMAL, {"kind": "cat", "lives": 7}, None),
        (ANIMAL, {"lives": 7}, "kind: is missing"),
        (ANIMAL, {"kind": "cow"}, "kind: must be one of cat, dog"),
        (ANIMAL, {"kind": "dog", "name": "Rexa"}, "name: must not be longer than 3"),
        (anything(), [{}], None),
    ],
)
def test_problems(shape, value, problem):
    found = shape.problem(value)
    assert (str(found).replace("body[", "[") if found else None) == (
        problem.replace("body[", "[") if problem else None
    )


@pytest.mark.parametrize("module", [answers, words, faults, shapes])
def test_the_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0
