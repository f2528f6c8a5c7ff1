"""JSON that the model answers fits the schema and says what the prompt says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from emissary_emulator.brain import Message, Prompt, Tool, think

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
PERSON = {
    "$defs": {
        "Address": {
            "type": "object",
            "properties": {
                "city": TEXT,
                "zip": {"anyOf": [TEXT, {"type": "null"}], "default": None},
            },
            "required": ["city"],
        }
    },
    "type": "object",
    "properties": {
        "name": TEXT,
        "age": WHOLE,
        "address": {"$ref": "#/$defs/Address"},
        "hobbies": {"type": "array", "items": TEXT},
        "mood": {"type": "string", "enum": ["happy", "sad"]},
        "active": {"type": "boolean"},
    },
    "required": ["name", "age", "address", "hobbies", "mood", "active"],
    "additionalProperties": False,
}
JOKE = {"properties": {"setup": TEXT, "punchline": TEXT}, "required": ["setup", "punchline"]}


def test_values_come_from_the_prompt(ask):
    said = "Jan Novák is 34 years old, lives in Brno and is sad. Hobbies: chess, tea. Not active."
    assert json.loads(ask(said, schema=PERSON).text) == {
        "name": "Jan Novák",
        "age": 34,
        "address": {"city": "Brno"},
        "hobbies": ["chess", "tea"],
        "mood": "sad",
        "active": False,
    }


def test_lists_of_objects(ask):
    person = {"type": "object", "properties": {"name": TEXT, "age": WHOLE}}
    person["required"] = ["name", "age"]
    schema = {
        "type": "object",
        "properties": {"people": {"type": "array", "items": person}},
        "required": ["people"],
    }
    said = "Extract the people: Anna is 30 and Bob is 41"
    people = [{"name": "Anna", "age": 30}, {"name": "Bob", "age": 41}]
    assert json.loads(ask(said, schema=schema).text) == {"people": people}


def test_answers_in_a_field(ask):
    schema = {"type": "object", "properties": {"answer": TEXT}, "required": ["answer"]}
    said = "Brno lies on the Svratka. Cats sleep. Which river does Brno lie on?"
    assert json.loads(ask(said, schema=schema).text) == {"answer": "Brno lies on the Svratka."}


def test_results_of_tools_come_first(ask):
    schema = {"type": "object", "properties": {"celsius": WHOLE}, "required": ["celsius"]}
    said = [Message("user", "Weather in Brno on May 3?"), Message("tool", "14 C")]
    assert json.loads(ask(said, schema=schema).text) == {"celsius": 14}


@pytest.mark.parametrize("schema", [JOKE, {"type": "object", **JOKE}])
def test_jokes(ask, schema):
    joke = json.loads(ask("Tell me a joke about cats.", schema=schema).text)
    assert joke["setup"].endswith("?")
    assert joke["punchline"]


def test_json_with_named_keys(ask):
    said = (
        "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
        "Return nothing other than JSON."
    )
    assert json.loads(ask(said, json_only=True).text).keys() == {"setup", "punchline"}
    assert json.loads(ask("Hello", json_only=True).text) == {"answer": ask("Hello").text}


def test_schemas_that_point_at_themselves(ask):
    node: dict[str, Any] = {
        "type": "object",
        "properties": {"value": WHOLE, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["value", "next"],
    }
    tree: dict[str, Any] = {
        "type": "object",
        "properties": {"name": TEXT, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
    }
    for schema in (node, tree, {"$ref": "#"}, {"$ref": "#/nothing"}):
        value = json.loads(ask("1, 2 and 3 of Brno", schema=schema).text)
        if "properties" in schema:
            Draft202012Validator(schema).validate(value)


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["name", "city", "count", "note", "tags", "a", "date", "answer", "ok"])
    low, size = st.integers(-50, 50), st.integers(1, 3)
    leaves = st.one_of(
        st.just({"type": "string"}),
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.sampled_from([{"enum": ["red", "blue"]}, {"const": 7}, {"type": ["string", "null"]}]),
        low.map(lambda n: {"type": "integer", "minimum": n, "maximum": n + 9}),
        low.map(lambda n: {"type": "number", "exclusiveMinimum": n, "maximum": n + 1}),
        size.map(lambda n: {"type": "string", "minLength": n, "maxLength": n + 5}),
        size.map(lambda n: {"type": "integer", "multipleOf": n, "minimum": 10}),
    )

    def grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        fields = st.dictionaries(names, inner, max_size=4)
        return st.one_of(
            fields.flatmap(
                lambda given: st.lists(st.sampled_from([*given] or ["name"]), unique=True).map(
                    lambda needed: {
                        "type": "object",
                        "properties": given,
                        "required": [name for name in needed if name in given],
                        "additionalProperties": False,
                    }
                )
            ),
            st.tuples(inner, size).map(
                lambda pair: {"type": "array", "items": pair[0], "minItems": 1, "maxItems": pair[1]}
            ),
            st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        )

    return st.recursive(leaves, grown, max_leaves=12)


SAYINGS = st.sampled_from(
    [
        "Hello",
        "",
        "Jan Novák, 34, lives in Brno. His tags: red, blue. ok",
        "name: Bob, count = 12, the city is New York, 'quoted' -3.5 at 2025-01-02",
        "你好 is 1000 and {broken json",
    ]
)


@settings(max_examples=300, deadline=None)
@given(schemas(), SAYINGS)
def test_any_schema_is_kept(schema: dict[str, Any], said: str):
    value = json.loads(think(Prompt((Message("user", said),), schema=schema)).text)
    Draft202012Validator(schema).validate(value)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "city", "name", "n"]), schemas(), max_size=3), SAYINGS)
def test_forced_calls_keep_any_schema(properties: dict[str, Any], said: str):
    parameters = {"type": "object", "properties": properties, "required": [*properties]}
    prompt = Prompt((Message("user", said),), (Tool("f", "", parameters),), choice="required")
    (call,) = think(prompt).calls
    Draft202012Validator(parameters).validate(json.loads(call.arguments))


@given(st.text(), st.text())
def test_any_text_has_an_answer(said: str, about: str):
    tools = (Tool("get_weather", about, {"type": "object", "properties": {"city": TEXT}}),)
    assert think(Prompt((Message("user", said),), tools)).finish in {"stop", "tool_calls"}
