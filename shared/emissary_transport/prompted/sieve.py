"""An answer's text in, its plain text and the function calls in it out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from emissary_transport.prompted.block import Block
from emissary_transport.prompted.calls import FoundCall
from emissary_transport.prompted.json_text import Nesting
from emissary_transport.prompted.tags import (
    CLOSER_BEGINNINGS,
    CLOSERS,
    FENCES,
    THOUGHTS,
    Opening,
    Thought,
    may_open,
    opening,
)

_MARKS = re.compile(r"[<`{\[]")
_FENCE = re.compile(r"(`{3,})[ \t\r]*(\w*)[ \t\r]*")
_LONGEST_FENCE = 64


class Sieve:
    """Lets plain text through at once and holds back what may be a call.

    It takes one step after the other through the text, each of which depends on nothing but what
    came before, so that it makes no difference in which pieces the text comes. Every step is a
    method that takes the text and a place in it, and gives the place that it came to.

    >>> sieve = Sieve({"say"})
    >>> sieve.feed("Let me <b>see. <tool_"), sieve.feed('call>{"name": "say"}')
    (['Let me ', '<', 'b>see. '], [])
    >>> sieve.close()
    [FoundCall(name='say', arguments='{}')]
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._out: list[str | FoundCall] = []
        self._gap: list[str] = []  # whitespace before anything, or behind a call
        self._mark = ""  # the beginning of what may be a tag or fence
        self._block: Block | None = None
        self._thought = Thought()
        self._flowing = Nesting()  # of JSON that is text
        self._line_start = True  # nothing but whitespace so far in this line
        self._line = ""  # the beginning of this line in code
        self._ticks = 0
        self._called = False
        self._after_call = False
        self._spaced = True
        self._step: Callable[[str, int], int] = self._in_gap

    @property
    def holding(self) -> bool:
        """Whether there is text that has not come out."""
        return bool(self._mark or self._gap or self._block)

    def feed(self, text: str) -> Sequence[str | FoundCall]:
        """Give what this piece makes certain."""
        at = 0
        while at < len(text):
            at = self._step(text, at)
        out, self._out = self._out, []
        return out

    def close(self) -> Sequence[str | FoundCall]:
        """Give what was held back."""
        block, self._block = self._block, None
        if block:
            self._take(block, block.items())
        mark, self._mark = self._mark, ""
        if mark and not (self._after_call and mark in CLOSER_BEGINNINGS):
            self._say(mark)
        gap = "".join(self._gap)
        self._gap.clear()
        if not self._called or gap.strip():
            self._out.append(gap)
        out, self._out = self._out, []
        return [item for item in out if item]

    def _in_text(self, text: str, at: int) -> int:
        found = _MARKS.search(text, at)
        if found is None:
            self._say(text[at:] if at else text)
            return len(text)
        if found.start() > at:
            self._say(text[at : found.start()])
        self._after_call = False
        return self._at_mark(text, found.start())

    def _in_gap(self, text: str, at: int) -> int:
        char = text[at]
        if char.isspace() or (self._called and char in ",;"):
            self._gap.append(char)
            return at + 1
        if not _MARKS.match(char):
            self._step = self._in_text
            return at
        self._after_call = self._called
        self._line_start = True
        return self._at_mark(text, at)

    def _at_mark(self, text: str, at: int) -> int:
        """At a character that may begin a call."""
        char = text[at]
        if char in "<[":
            self._mark, self._step = char, self._in_tag
            return at + 1
        if char == "{" and self._line_start:
            return self._open(Opening(), at)
        if char == "`" and self._line_start:
            self._step = self._in_fence_line
            return at
        self._say(char)
        self._step = self._in_text
        return at + 1

    def _in_tag(self, text: str, at: int) -> int:
        tag = self._mark + text[at]
        closes = self._after_call and (tag in CLOSERS or tag in CLOSER_BEGINNINGS)
        if may_open(tag) or (closes and tag not in CLOSERS):
            self._mark = tag
            return at + 1
        held, self._mark = self._mark, ""
        if opened := opening(tag):
            return self._open(opened, at + 1)
        if tag in THOUGHTS:
            self._say(tag)
            self._thought, self._step = Thought(), self._in_thought
            return at + 1
        if closes:  # one closing tag too many
            self._step = self._in_gap
            return at + 1
        if held == "[" and self._line_start:
            return self._open(Opening(), at, held)
        self._say(held)
        self._step = self._in_text
        return at

    def _in_thought(self, text: str, at: int) -> int:
        end = self._thought.feed(text, at)
        self._say(text[at:end])
        if self._thought.over:
            self._step, self._line_start = self._in_text, True
        return end

    def _in_fence_line(self, text: str, at: int) -> int:
        """In backticks at the start of a line, and what stands behind them."""
        char, line = text[at], self._mark + text[at]
        so_far, now = _FENCE.fullmatch(self._mark), _FENCE.fullmatch(line)
        if now and any(kind.startswith(now[2].lower()) for kind in FENCES) and char != "\n":
            if len(line) < _LONGEST_FENCE:
                self._mark = line
                return at + 1
        elif line in {"`", "``"}:
            self._mark = line
            return at + 1
        held, self._mark = self._mark, ""
        if so_far and char in "\n{[<" and so_far[2].lower() in {"", *FENCES}:
            return self._open(Opening(held, ticks=len(so_far[1])), at)
        self._say(held)
        self._step = self._in_text
        if so_far and char != "`":
            self._enter_code(len(so_far[1]), "in its first line")
        return at

    def _enter_code(self, ticks: int, line: str) -> None:
        self._ticks, self._line, self._step = ticks, line, self._in_code

    def _in_code(self, text: str, at: int) -> int:
        """In a fence around other things than calls, where nothing is a call."""
        end = text.find("\n", at) + 1 or len(text)
        self._say(text[at:end])
        self._line = (self._line + text[at:end])[:_LONGEST_FENCE]
        if text[end - 1] == "\n":
            line, self._line = self._line.strip(), ""
            if len(line) >= self._ticks and not line.strip("`"):
                self._step = self._in_text
        return end

    def _in_json(self, text: str, at: int) -> int:
        """In JSON that is text, where no line begins a call; a blank line ends it at the latest."""
        if text[at] == "\n":
            if self._line_start or self._flowing.quote:
                self._step = self._in_text
            self._say("\n")
            return at + 1
        stop = text.find("\n", at)
        line = text[at : stop if stop >= 0 else len(text)]
        end = self._flowing.scan(line, 0)
        if end:
            self._say(line[:end])
        if self._flowing.depth <= 0:
            self._step = self._in_text
        elif end < len(line):
            self._after_call = False
            return self._at_mark(text, at + end)
        return at + end

    def _open(self, opened: Opening, at: int, begun: str = "") -> int:
        self._block = Block(opened, self._names)
        self._block.feed(begun, 0)
        self._step = self._in_block
        return at

    def _in_block(self, text: str, at: int) -> int:
        block = self._block
        assert block is not None
        at = block.feed(text, at)
        if block.ended:
            self._block = None
            self._take(block, block.items())
        return at

    def _take(self, block: Block, items: Sequence[FoundCall | str]) -> None:
        """Give a block out as what it turned out to be, and go on behind it."""
        text = block.text
        if items:
            self._mark = block.mark
            self._gap.clear()
            self._out.extend(items)
            self._called = self._after_call = self._line_start = True
            self._gap.extend(text[len(text.rstrip()) :])
            self._step = self._in_tag if block.mark else self._in_gap
            return
        self._after_call = False
        if block.opening.ticks:
            text += block.mark
            self._enter_code(block.opening.ticks, text[text.rfind("\n") + 1 :])
        elif not block.opening.tagged and block.nesting.depth > 0:
            self._flowing, self._step = block.nesting, self._in_json
        else:
            self._mark = block.mark
            self._step = self._in_tag if block.mark else self._in_text
        self._say(text)

    def _say(self, text: str) -> None:
        """Give out plain text, and the whitespace before it unless it only surrounds calls."""
        if self._gap:
            gap = "".join(self._gap)
            self._gap.clear()
            if not (self._called and self._spaced) or gap.strip():
                self._out.append(gap)
        self._out.append(text)
        self._spaced = text[-1:].isspace()
        last = text.rfind("\n")
        if last >= 0 or self._line_start:
            self._line_start = not text[last + 1 :].strip()
