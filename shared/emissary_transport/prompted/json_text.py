"""JSON as open models write it: followed as it comes, and read with its common slips mended."""

from __future__ import annotations

import json
import re

_MARKS = re.compile(r"""["'{}\[\]<]""")
_STRING_MARKS = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_SLIPS = re.compile(
    r"""(?P<plain>"(?:[^"\\]|\\.)*"?)"""
    r"""|(?P<single>'(?:[^'\\]|\\.)*'?)"""
    r"""|(?P<comma>,(?=\s*[}\]]))"""
    r"""|(?P<word>\b(?:True|False|None)\b)""",
    re.DOTALL,
)
_IN_SINGLE = re.compile(r"""\\.|\"""", re.DOTALL)
_WORDS = {"True": "true", "False": "false", "None": "null"}


class Nesting:
    """Follows the brackets and strings of one JSON value, from its first bracket on.

    Single quotes count as quotes only where the first quote of the value is one.

    >>> value = Nesting()
    >>> value.scan('{"a": "}', 0), value.depth, value.quote
    (8, 1, '"')
    >>> value.scan('"} and so on', 0), value.depth
    (2, 0)
    """

    __slots__ = ("_escaped", "_single", "depth", "quote")

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""
        self._escaped = False
        self._single: bool | None = None

    def scan(self, text: str, at: int) -> int:
        """Where the value ends, or a `<` stands outside its strings, or the text ends."""
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_STRING_MARKS[self.quote] if self.quote else _MARKS).search(text, at)
            if found is None:
                return len(text)
            mark = found[0]
            if mark == "<":
                return found.start()
            at = found.end()
            if mark == "\\":
                self._escaped = True
            elif mark in "\"'":
                self._turn(mark)
            elif mark in "{[":
                self.depth += 1
            else:
                self.depth -= 1
                if self.depth <= 0:
                    return at
        return at

    def _turn(self, mark: str) -> None:
        if self._single is None:
            self._single = mark == "'"
        if self.quote:
            self.quote = ""
        elif mark == '"' or self._single:
            self.quote = mark


def read_json(text: str) -> object:
    """The value of JSON text, its slips mended where that is safe.

    >>> read_json("{'name': 'say', 'arguments': {'loud': True, }")
    {'name': 'say', 'arguments': {'loud': True}}

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return _loads(text)
    except ValueError:
        return _loads(_SLIPS.sub(_mended, _with_last_brace(text)))


def compact(value: object) -> str:
    """JSON text without spaces, with letters as they are.

    Raises:
        ValueError: JSON can't say it.
    """
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=dict
    )
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which is only sayable as an escape
        return json.dumps(value, separators=(",", ":"), allow_nan=False, default=dict)
    return text


def _loads(text: str) -> object:
    try:
        return json.loads(text, strict=False, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def _with_last_brace(text: str) -> str:
    """The text with its outermost brace closed, if only that is left open after an inner one.

    A text that ends anywhere else may lack more than the brace.
    """
    nesting = Nesting()
    nesting.scan(text, 0)
    lacks_one = nesting.depth == 1 and text[:1] == "{" and text.rstrip()[-1:] == "}"
    return text.rstrip() + "}" if lacks_one else text


def _mended(found: re.Match[str]) -> str:
    if found["single"]:
        return '"' + _IN_SINGLE.sub(_requoted, found[0][1:-1]) + '"'
    return _WORDS[found[0]] if found["word"] else found["plain"] or ""


def _requoted(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])
