"""JSON Schemas as tools and answers use them: references, variants, bounds."""

from __future__ import annotations

from typing import Any

from emissary_emulator.brain.talk import JsonObject


def resolved(schema: Any, root: JsonObject) -> JsonObject:
    """The schema with its references followed and its `allOf` merged."""
    seen: set[str] = set()
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        reference = schema["$ref"]
        if reference in seen:
            return {}
        seen.add(reference)
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        target = _pointed(reference, root)
        schema = {**target, **siblings}
    if not isinstance(schema, dict):
        return {}
    merged = dict(schema)
    for part in merged.pop("allOf", []):
        other = resolved(part, root)
        properties = {**other.get("properties", {}), **merged.get("properties", {})}
        required = [*other.get("required", []), *merged.get("required", [])]
        merged = {**other, **merged}
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def variants(schema: JsonObject, root: JsonObject) -> tuple[list[JsonObject], bool]:
    """The alternatives of a schema without null, and whether null is one of them."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if options is None and isinstance(schema.get("type"), list):
        options = [{**schema, "type": one} for one in schema["type"]]
    if options is None:
        return [schema], schema.get("type") == "null"
    all_of_them = [resolved(option, root) for option in options]
    real = [option for option in all_of_them if option.get("type") != "null"]
    return real, len(real) < len(all_of_them)


def kind(schema: JsonObject) -> str:
    """The type of a schema, guessed when it does not say."""
    if isinstance(schema.get("type"), str):
        return str(schema["type"])
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def is_text(schema: JsonObject) -> bool:
    """Whether any string will do."""
    return kind(schema) == "string" and not schema.keys() & {"enum", "const", "anyOf", "oneOf"}


def bounded(value: float, schema: JsonObject) -> float:
    """The number, moved into the bounds of the schema."""
    step = schema.get("multipleOf", 1 if kind(schema) == "integer" else 0)
    lows = [schema["minimum"]] if "minimum" in schema else []
    highs = [schema["maximum"]] if "maximum" in schema else []
    if _is_number(schema.get("exclusiveMinimum")):
        lows.append(schema["exclusiveMinimum"] + (step or 0.001))
    if _is_number(schema.get("exclusiveMaximum")):
        highs.append(schema["exclusiveMaximum"] - (step or 0.001))
    value = min([max([value, *lows]), *highs])
    if step and value % step:
        value -= value % step
        value += step if lows and value < max(lows) else 0
    return value


def fitted(text: str, schema: JsonObject) -> str:
    """The text, cut or padded to the lengths of the schema."""
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(text))
    return text[:most].ljust(least, "x")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pointed(reference: str, root: JsonObject) -> JsonObject:
    """What a reference like `#/$defs/Song` points at."""
    place: Any = root
    for step in reference.removeprefix("#").strip("/").split("/") if reference != "#" else []:
        key = step.replace("~1", "/").replace("~0", "~")
        place = place.get(key, {}) if isinstance(place, dict) else {}
    return place if isinstance(place, dict) else {}
