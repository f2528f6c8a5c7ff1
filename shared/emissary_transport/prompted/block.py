"""A stretch of an answer that may hold function calls, from its opening to its end."""

from __future__ import annotations

from collections.abc import Callable, Collection

from emissary_transport.prompted.calls import FoundCall, Gate, named_call, read_calls
from emissary_transport.prompted.json_text import Nesting
from emissary_transport.prompted.tags import (
    CLOSER_BEGINNINGS,
    CLOSERS,
    FENCE_BEGINNINGS,
    OPENER_BEGINNINGS,
    OPENERS,
    Opening,
)


class Block:
    """Holds text until it is clear whether it is function calls.

    A tag may hold any calls, and ends with its closing tag or before what can't belong to it. A
    fence ends with its backticks. Without either there is one JSON value. What no tag marks must
    look like a call of a known function from its first words on.

    Attributes:
        ended: There is no more to come.
        failed: It ended because it can't be calls.
        mark: The beginning of a tag that stands behind it.
        nesting: Where in its last JSON value it stands.
    """

    def __init__(self, opening: Opening, names: Collection[str]) -> None:
        self.opening = opening
        self.ended = False
        self.failed = False
        self.mark = ""
        self.nesting = Nesting()
        self._names = names
        self._held = [opening.text]
        self._value: list[str] = []
        self._values: list[str] = []
        self._fence = ""
        self._ticks = 0
        self._closed = False
        self._gate = None if opening.tagged else Gate(names)
        self._step: Callable[[str, int], int] = self._between

    @property
    def text(self) -> str:
        """All of it, as it came."""
        return "".join(self._held)

    def feed(self, text: str, at: int) -> int:
        """Where it ends, or the text does."""
        while at < len(text) and not self.ended:
            at = self._step(text, at)
        return at

    def items(self) -> list[FoundCall | str]:
        """The calls, between them what is none; nothing if there are no calls."""
        if self.failed:
            return []
        values = [*self._values, *(["".join(self._value)] if self._value else [])]
        if self.opening.name is not None:
            if not (self._closed or self._values):
                return []
            return list(named_call(self.opening.name, "".join(values)))
        known = None if self.opening.tagged else self._names
        found = [read_calls(value, known) for value in values]
        if not (any(found) if self.opening.tagged else all(found)):
            return []
        items: list[FoundCall | str] = []
        for calls, value in zip(found, values, strict=True):
            items.extend(calls or (value,))
        return items

    def _end(self, *, failed: bool = False) -> None:
        self.ended, self.failed = True, failed

    def _between(self, text: str, at: int) -> int:
        """Before, between and after the JSON values."""
        char = text[at]
        if char in "{[":
            self.nesting = Nesting()
            self._step = self._gated if self._gate and not self._values else self._inside
        elif char == "<" and (self.opening.tagged or self.opening.ticks):
            self._step = self._tag
        elif char.isspace() or self._is_noise(char):
            self._held.append(char)
            return at + 1
        else:
            self._end(failed=not (self.opening.tagged and self._values))
        return at

    def _is_noise(self, char: str) -> bool:
        if self.opening.tagged and not self._values:
            self._fence += char
            return self._fence in FENCE_BEGINNINGS
        if self.opening.tagged:
            return char in ",;}]`"
        if char == "`" and self._values:
            self._ticks += 1
            if self._ticks == self.opening.ticks:
                self._end()
            return True
        return bool(self._values) and char in ",;"

    def _gated(self, text: str, at: int) -> int:
        """In the first words of a value that may turn out to be no call."""
        passes = self._gate.feed(text[at]) if self._gate else True
        if passes is False:
            self._end(failed=True)
            return at
        self.nesting.scan(text[at], 0)
        self._hold_value(text[at])
        if passes:
            self._step = self._inside
        return at + 1

    def _inside(self, text: str, at: int) -> int:
        """In a value that is held to its end."""
        end = self.nesting.scan(text, at)
        self._hold_value(text[at:end])
        if self.nesting.depth <= 0:
            self._values.append("".join(self._value))
            self._value.clear()
            self._step = self._between
            if not (self.opening.tagged or self.opening.ticks):
                self._end()
        elif end < len(text):
            self._step = self._tag
        return end

    def _tag(self, text: str, at: int) -> int:
        """In a tag outside of strings, where there is one in no JSON."""
        tag = self.mark + text[at]
        tagged, fenced = self.opening.tagged, bool(self.opening.ticks) and self.nesting.depth <= 0
        if (tagged and tag in CLOSERS) or (fenced and tag in CLOSERS | OPENERS):
            self._held.append(tag)
            self.mark = ""
            self._step = self._between
            if tagged:
                self._closed = True
                self._end()
            return at + 1
        if (tagged and tag in CLOSER_BEGINNINGS) or (
            fenced and tag in CLOSER_BEGINNINGS | OPENER_BEGINNINGS
        ):
            self.mark = tag
            return at + 1
        self._end(failed=not (tagged and (self._values or self._value)))
        return at

    def _hold_value(self, piece: str) -> None:
        self._held.append(piece)
        self._value.append(piece)
