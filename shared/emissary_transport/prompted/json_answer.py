"""The JSON out of an answer that should be nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

from emissary_transport.prompted.json_text import Nesting
from emissary_transport.prompted.outlet import Outlet
from emissary_transport.prompted.tags import THOUGHT_BEGINNINGS, THOUGHTS, Thought
from emissary_transport.types import Delta

_MARKS = re.compile(r"[{\[<]")
_IN_OBJECT = frozenset("\"'}")
_IN_LIST = frozenset("\"'{[]-0123456789tfn")


class PromptedJson:
    r"""Deltas of one answer in, the same without what a model puts around JSON out.

    The JSON flows on as it comes. An answer without any comes out as it is, at its end.

    >>> answer = PromptedJson()
    >>> [delta.text for delta in answer.feed(Delta('Here it is:\n```json\n{"a": 1}\n```'))]
    ['{"a": 1}']
    """

    missing = False

    def __init__(self) -> None:
        self._outlet = Outlet()
        self._out: list[str] = []
        self._held: list[str] = []  # what stands before the JSON
        self._begun: list[str] = []  # what may be the beginning of the JSON
        self._mark = ""  # the beginning of what may be a tag
        self._nesting = Nesting()
        self._thought = Thought()
        self._line_start = True
        self._index = 0
        self._step: Callable[[str, int], int] = self._before

    def feed(self, delta: Delta) -> list[Delta]:
        """Give what this delta makes certain."""
        self._index = delta.index
        at = 0
        while at < len(delta.text):
            at = self._step(delta.text, at)
        out, self._out = self._out, []
        same = "".join(out) == delta.text
        if same and not self._holding and not self._outlet.waiting:
            return [delta]
        return self._outlet.deltas(delta, out, holding=self._holding)

    def close(self) -> list[Delta]:
        """Give what was held back, if there was no JSON behind it."""
        held = [*self._held, *self._begun, self._mark]
        self._held.clear()
        self._begun.clear()
        self._mark = ""
        return self._outlet.deltas(Delta(index=self._index), held, holding=False)

    @property
    def _holding(self) -> bool:
        return bool(self._held or self._begun or self._mark)

    def _before(self, text: str, at: int) -> int:
        found = _MARKS.search(text, at)
        end = found.start() if found else len(text)
        self._hold(text[at:end])
        if found is None:
            return end
        if found[0] == "<":
            self._mark, self._step = "<", self._in_tag
        elif found[0] == "{" or self._line_start:
            self._begun, self._step = [found[0]], self._at_bracket
        else:
            self._hold("[")
        return end + 1

    def _at_bracket(self, text: str, at: int) -> int:
        """Behind a bracket, which begins the JSON if what follows goes on with it."""
        char = text[at]
        if char.isspace():
            self._begun.append(char)
            return at + 1
        begun = "".join(self._begun)
        self._begun.clear()
        if char in (_IN_OBJECT if begun[0] == "{" else _IN_LIST):
            self._held.clear()
            self._nesting.scan(begun, 0)
            self._out.append(begun)
            self._step = self._in_json
        else:
            self._hold(begun)
            self._step = self._before
        return at

    def _in_json(self, text: str, at: int) -> int:
        end = self._nesting.scan(text, at)
        if self._nesting.depth <= 0:
            self._step = self._behind
        elif end < len(text):  # a `<` that no string holds, whatever it means
            end += 1
        self._out.append(text[at:end])
        return end

    def _behind(self, text: str, at: int) -> int:
        """Behind the JSON, where nothing counts."""
        return len(text)

    def _in_tag(self, text: str, at: int) -> int:
        tag = self._mark + text[at]
        if tag in THOUGHT_BEGINNINGS:
            self._mark = tag
            return at + 1
        held, self._mark = self._mark, ""
        self._hold(held)
        self._step = self._before
        if tag not in THOUGHTS:
            return at
        self._out += [*self._held, text[at]]
        self._held.clear()
        self._thought, self._step = Thought(), self._thinking
        return at + 1

    def _thinking(self, text: str, at: int) -> int:
        end = self._thought.feed(text, at)
        self._out.append(text[at:end])
        if self._thought.over:
            self._step, self._line_start = self._before, True
        return end

    def _hold(self, text: str) -> None:
        if text:
            self._held.append(text)
            last = text.rfind("\n")
            if last >= 0 or self._line_start:
                self._line_start = not text[last + 1 :].strip()
