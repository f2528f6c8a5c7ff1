"""What function calls and thoughts are marked with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


def _beginnings(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word[:end] for word in words for end in range(1, len(word)))


OPENERS = frozenset(
    {
        "<tool_call>",
        "<tool_calls>",
        "<function_call>",
        "<tools>",
        "<|python_tag|>",
        "[TOOL_CALLS]",
    }
)
CLOSERS = frozenset(
    {
        "</tool_call>",
        "</tool_calls>",
        "</function_call>",
        "</tools>",
        "</tool>",
        "</function>",
        "</s>",
        "<|eom_id|>",
        "<|eot_id|>",
        "<|im_end|>",
    }
)
THOUGHTS = frozenset({"<think>", "<thinking>"})
THOUGHT_CLOSERS = frozenset({"</think>", "</thinking>"})
FENCES = ("json", "tool_call", "tool_calls", "function_call", "tool", "xml")
"""What may stand behind the backticks of a fence around calls, beside nothing."""

OPENER_BEGINNINGS = _beginnings(OPENERS | THOUGHTS | {"<function="})
CLOSER_BEGINNINGS = _beginnings(CLOSERS)
THOUGHT_BEGINNINGS = _beginnings(THOUGHTS)
THOUGHT_CLOSER_BEGINNINGS = _beginnings(THOUGHT_CLOSERS)
FENCE_BEGINNINGS = _beginnings(f"```{fence}." for fence in FENCES)

_NAMED = re.compile(r"<function=([\w.:/-]{1,128})(>?)")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a block that may hold calls began with: a tag, a fence, or nothing."""

    text: str = ""
    tagged: bool = False
    name: str | None = None
    ticks: int = 0


def opening(tag: str) -> Opening | None:
    """What a tag opens, if it is one around calls.

    >>> opening("<function=say>")
    Opening(text='<function=say>', tagged=True, name='say', ticks=0)
    """
    if tag in OPENERS:
        return Opening(tag, tagged=True)
    named = _NAMED.fullmatch(tag)
    return Opening(tag, tagged=True, name=named[1]) if named and named[2] else None


def may_open(beginning: str) -> bool:
    """Whether this may become a tag around calls or thoughts."""
    if beginning in OPENER_BEGINNINGS or beginning == "<function=":
        return True
    named = _NAMED.fullmatch(beginning)
    return bool(named and not named[2])


class Thought:
    """Follows what a model thinks aloud, up to the closing tag.

    >>> thought = Thought()
    >>> thought.feed("or <b>not</th", 0), thought.feed("ink>{", 0), thought.over
    (13, 4, True)
    """

    __slots__ = ("_tag", "over")

    def __init__(self) -> None:
        self.over = False
        self._tag = ""

    def feed(self, text: str, at: int) -> int:
        """Where the thought ends, or the text does."""
        while at < len(text) and not self.over:
            if not self._tag:
                at = text.find("<", at)
                if at < 0:
                    return len(text)
            tag = self._tag + text[at]
            self.over = tag in THOUGHT_CLOSERS
            if self._tag and not self.over and tag not in THOUGHT_CLOSER_BEGINNINGS:
                self._tag = ""
                continue
            self._tag = tag
            at += 1
        return at
