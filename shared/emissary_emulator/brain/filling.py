"""JSON values that fit a schema, with what a text says in them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from emissary_emulator.brain.pool import NOT_NAMES, PATTERNS, Pool
from emissary_emulator.brain.schema import bounded, fitted, is_text, kind, resolved, variants
from emissary_emulator.brain.talk import JsonObject
from emissary_emulator.brain.words import STOPWORDS, split_words, stem, stems

_PLACES = stems("city location place country town destination region address where origin")
_PEOPLE = stems("name person customer user author artist who title recipient company brand")
_WHOLE = stems("query question text input prompt search sentence description details reason")
_ANSWERS = stems("answer response reply summary explanation result content conclusion")
_EXAMPLES = {
    "date-time": "2025-01-31T12:00:00Z",
    "date": "2025-01-31",
    "time": "12:00:00",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "setup": "Why do cats never win at cards?",
    "punchline": "Because they always show their claws.",
}
_NEGATED = r"(?:no|not|without|don't|do not|never|skip|disable)"
_SUM = re.compile(r"[-\d.(][-+*/^().\d\s]*[-+*/^][-+*/^().\d\s]*[\d)]")
_DEEP = 8
_MANY = 5


@dataclass(frozen=True)
class Filled:
    """A value, and whether the text said it, or at least some of it."""

    value: Any
    found: bool = False
    partly: bool = False


@dataclass
class Filler:
    """Fills one schema from one text; `answer` says what the text answers."""

    root: JsonObject
    pool: Pool
    answer: Callable[[], str]
    places_wanted: bool = field(default=False, init=False)

    def value(self) -> Any:
        """A value that fits the whole schema."""
        return self._fill(self.root, "", needed=True, depth=0).value

    def properties(self) -> Filled:
        """An object that fits the schema, found when the text said all that is required."""
        return self._object(resolved(self.root, self.root), 0)

    def _fill(self, schema: Any, name: str, *, needed: bool, depth: int) -> Filled:
        schema = resolved(schema, self.root)
        if "const" in schema:
            return Filled(schema["const"], found=needed)
        if schema.get("enum"):
            return self._option(schema)
        options, nullable = variants(schema, self.root)
        if len(options) == 1 and not nullable and options[0] == schema:
            return self._typed(schema, name, needed=needed, depth=depth)
        if depth > _DEEP and nullable:
            return Filled(None)
        for option in options:
            filled = self._fill(option, name, needed=False, depth=depth + 1)
            if filled.found:
                return filled
        if "default" in schema:
            return Filled(schema["default"])
        if nullable or not options:
            return Filled(None)
        return self._fill(options[0], name, needed=needed, depth=depth + 1)

    def _typed(self, schema: JsonObject, name: str, *, needed: bool, depth: int) -> Filled:
        match kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, needed=needed, depth=depth)
            case "integer" | "number":
                return self._number(schema, name)
            case "boolean":
                return self._flag(schema, name)
            case "null":
                return Filled(None)
            case _:
                return self._text(schema, name, needed=needed)

    def _object(self, schema: JsonObject, depth: int) -> Filled:
        properties: JsonObject = schema.get("properties", {})
        required = [name for name in schema.get("required", []) if name in properties]
        outer, self.places_wanted = self.places_wanted, any(_means(n, _PLACES) for n in properties)
        filled: dict[str, Filled] = {}
        for name in [*required, *(n for n in properties if n not in required)]:
            if name in required or depth < _DEEP:
                filled[name] = self._fill(
                    properties[name], name, needed=name in required, depth=depth + 1
                )
        self.places_wanted = outer
        kept = {n: filled[n].value for n in properties if n in required or _said(filled, n)}
        found = all(filled[n].found for n in required) if required else bool(kept)
        return Filled(kept, found, partly=any(entry.found for entry in filled.values()))

    def _array(self, schema: JsonObject, name: str, *, needed: bool, depth: int) -> Filled:
        item = resolved(schema.get("items", schema.get("prefixItems", [{}])[0]), self.root)
        least, most = schema.get("minItems", 0), schema.get("maxItems", _MANY)
        said = list(self._items(item, name, depth))[:most]
        if not said and "default" in schema:
            return Filled(schema["default"])
        if not said and needed and depth < _DEEP and kind(item) == "object":
            least = max(least, 1)
        values = said + [
            self._fill(item, name, needed=True, depth=depth + 1).value
            for _ in range(len(said), min(least, most))
        ]
        return Filled(values, found=bool(said))

    def _items(self, item: JsonObject, name: str, depth: int) -> Iterator[Any]:
        if item.get("enum"):
            yield from (option for option in item["enum"] if self._mentions(option))
        elif is_text(item):
            texts = self._after_label(name) or self.pool.together(place=_means(name, _PLACES))
            yield from (fitted(text, item) for text in texts)
        elif depth < _DEEP:
            for _ in range(_MANY):
                filled = self._fill(item, name, needed=False, depth=depth + 1)
                if not filled.found:
                    return
                yield filled.value

    def _after_label(self, name: str) -> list[str]:
        said = self._labelled(name, r"([^\n.;?!]+)")
        return [word.strip() for word in re.split(r",|\band\b", said or "") if word.strip()]

    def _option(self, schema: JsonObject) -> Filled:
        options: list[Any] = schema["enum"]
        for option in options:
            if self._mentions(option):
                return Filled(option, found=True)
        return Filled(schema.get("default", options[0]))

    def _mentions(self, option: object) -> bool:
        words = r"[\s_-]*".join(map(re.escape, split_words(str(option)))) or re.escape(str(option))
        return re.search(rf"(?<!\w){words}(?!\w)", self.pool.text, re.I) is not None

    def _number(self, schema: JsonObject, name: str) -> Filled:
        said = self.pool.number(name)
        example = next(iter(schema.get("examples", [])), 1)
        value = float(said) if said else float(schema.get("default", example) or 0)
        fit = bounded(value, schema)
        whole = kind(schema) == "integer" or fit.is_integer() if isinstance(fit, float) else True
        return Filled(int(fit) if whole else fit, found=said is not None)

    def _flag(self, schema: JsonObject, name: str) -> Filled:
        words = r"[\s_-]+".join(map(re.escape, split_words(name)))
        found = re.search(rf"(?P<no>\b{_NEGATED}\s+)?\b{words}\b", self.pool.text, re.I)
        if not words or not found:
            return Filled(bool(schema.get("default", False)))
        denied = found["no"] or re.match(
            r"\W*(?:is\s+|=\s*)?(?:false|no|off)\b", self.pool.text[found.end() :], re.I
        )
        return Filled(not denied, found=True)

    def _text(self, schema: JsonObject, name: str, *, needed: bool) -> Filled:
        said = self._said(schema, name, needed=needed)
        if said is not None:
            return Filled(fitted(said, schema), found=True)
        if "default" in schema:
            return Filled(schema["default"])
        examples = schema.get("examples")
        if examples:
            return Filled(examples[0])
        return Filled(fitted(self._invented(schema, name), schema)) if needed else Filled("")

    def _said(self, schema: JsonObject, name: str, *, needed: bool) -> str | None:
        text, shape = self.pool.text, _format_of(schema, name)
        if shape:
            found = re.search(PATTERNS[shape], text) if shape in PATTERNS else None
            return found[0] if found else None
        if labelled := self._labelled(name):
            return labelled
        if "expression" in name and (found := _SUM.search(text)):
            return found[0].strip()
        if _means(name, _PLACES):
            return self.pool.name(place=True) or self.pool.quotation() or self._place()
        if quoted := self.pool.quotation():
            return quoted
        if _ends(name, _WHOLE):
            return text.strip() if needed else None
        if not (needed or _means(name, _PEOPLE)) or _ends(name, _ANSWERS):
            return None
        if self.places_wanted and all(n.place for n in self.pool.names):
            return None
        return self.pool.name(place=False)

    def _labelled(self, name: str, value: str = "") -> str | None:
        words = r"[\s_-]*".join(map(re.escape, split_words(name)))
        if not words:
            return None
        value = value or (
            r"(?:['\"“]([^'\"”\n]+)['\"”]|([^\n,.;?!'\"]+?)"
            r"(?=\s+(?:and|with|who|which|that|in|from|at|for|to)\b|[\n,.;?!]|\s*$))"
        )
        found = re.search(
            rf"\b{words}\s*(?:=|:|\bis\b|\bnamed\b|\bcalled\b)\s*{value}", self.pool.text, re.I
        )
        if not found:
            return None
        return next((group.strip() for group in found.groups() if group), None) or None

    def _place(self) -> str | None:
        for found in re.finditer(
            r"\b(?:in|at|near|to|from|for)\s+(?:the\s+)?([^\W\d_][\w-]*)", self.pool.text
        ):
            if found[1].lower() not in STOPWORDS:
                return found[1]
        return None

    def _invented(self, schema: JsonObject, name: str) -> str:
        stock = _EXAMPLES.get(_format_of(schema, name) or name.lower())
        if stock:
            return stock
        if _ends(name, _ANSWERS):
            return self.answer()
        known = self.pool.common | set(map(stem, split_words(name)))
        topic = [
            word
            for word in split_words(self.pool.text)
            if word.isalpha() and word.lower() not in NOT_NAMES and stem(word) not in known
        ]
        return topic[0] if topic else self.pool.text.strip() or name or "text"


def from_call(text: str, name: str, properties: JsonObject) -> Iterator[JsonObject]:
    """The arguments of calls written out in the text, as in `add(1, b=2)`."""
    for found in re.finditer(rf"(?<!\w){re.escape(name)}\s*\(([^()]*)\)", text):
        names = iter(properties)
        arguments: JsonObject = {}
        for piece in filter(
            None, map(str.strip, re.split(r",(?=(?:[^'\"]*['\"][^'\"]*['\"])*[^'\"]*$)", found[1]))
        ):
            key, is_named, value = piece.partition("=")
            if is_named and key.strip() in properties:
                arguments[key.strip()] = _literal(value.strip())
            elif (next_name := next(names, None)) is not None:
                arguments[next_name] = _literal(piece)
        yield arguments


def objects_in(text: str) -> Iterator[JsonObject]:
    """The JSON objects that stand in a text, outermost only."""
    return (value for value, _ in written_objects(text))


def written_objects(text: str) -> Iterator[tuple[JsonObject, str]]:
    """The JSON objects that stand in a text, each as it is written there."""
    place, decoder = text.find("{"), json.JSONDecoder()
    while place >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value, text[place:end]
        place = text.find("{", end)


def _said(filled: dict[str, Filled], name: str) -> bool:
    return name in filled and filled[name].found


def _means(name: str, words: frozenset[str]) -> bool:
    return any(stem(word) in words for word in split_words(name))


def _ends(name: str, words: frozenset[str]) -> bool:
    return any(stem(word) in words for word in split_words(name)[-1:])


def _format_of(schema: JsonObject, name: str) -> str | None:
    if schema.get("format") in _EXAMPLES:
        return str(schema["format"])
    words = {word.lower() for word in split_words(name)}
    if words & {"email", "mail"}:
        return "email"
    if words & {"url", "uri", "link"}:
        return "uri"
    return "date" if "date" in words else None


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError):
            return text
