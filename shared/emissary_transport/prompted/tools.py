"""Tool calls out of the text of an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from emissary_transport.merging import new_call_id
from emissary_transport.prompted.calls import FoundCall
from emissary_transport.prompted.outlet import Outlet
from emissary_transport.prompted.sieve import Sieve
from emissary_transport.types import Delta, Named, ToolChoice, ToolFragment


class PromptedTools:
    """Deltas of one answer in, the same with the calls in their text as tool fragments out.

    Text flows on at once; only what may be a call is held back, and where a call is forced all
    text, until that call has come.

    >>> tools = PromptedTools({"say"}, forced=None, parallel=True)
    >>> [delta] = tools.feed(Delta('<tool_call>{"name": "say", "arguments": {}}</tool_call>'))
    >>> delta.text, delta.tool_fragments[0].name
    ('', 'say')
    """

    def __init__(
        self, names: Collection[str], *, forced: ToolChoice | None, parallel: bool
    ) -> None:
        self._sieve = Sieve(names)
        self._outlet = Outlet()
        self._forced = forced == "required" or isinstance(forced, Named)
        self._allowed: Collection[str] | None = names if self._forced else None
        if isinstance(forced, Named):
            self._allowed = {forced.name}
        self._parallel = parallel
        self._calls = 0
        self._answer: list[str] = []
        self._before: list[str] = []
        self._finished = False
        self._index = 0
        self._closed = False

    @property
    def missing(self) -> bool:
        """Whether a call is forced and has not come."""
        return self._forced and not self._calls

    @property
    def text_held(self) -> str:
        """The answer as it came, as long as the call that it should be is missing."""
        return "".join(self._answer) if self.missing else ""

    def feed(self, delta: Delta) -> list[Delta]:
        """Give what this delta makes certain."""
        self._index = delta.index
        self._finished = self._finished or delta.finish_reason is not None
        if not delta.text and not self._holding:
            return self._finishing([delta])
        items: list[str | ToolFragment] = []
        if delta.text:
            if self.missing:
                self._answer.append(delta.text)
            items = list(self._wanted(self._sieve.feed(delta.text)))
        if items == [delta.text] and not self._holding and not self._outlet.waiting:
            return self._finishing([delta])
        return self._finishing(self._outlet.deltas(delta, items, holding=self._holding))

    def close(self) -> list[Delta]:
        """Give what was held back."""
        if self._closed:
            return []
        self._closed = True
        items = list(self._wanted(self._sieve.close()))
        ending = Delta(index=self._index)
        if self._calls and not self._finished:
            ending.finish_reason = "tool_calls"
        return self._finishing(self._outlet.deltas(ending, items, holding=False))

    @property
    def _holding(self) -> bool:
        return self._sieve.holding or self.missing

    def _wanted(self, items: Iterable[str | FoundCall]) -> Iterator[str | ToolFragment]:
        for item in items:
            if isinstance(item, FoundCall):
                if self._is_wanted(item):
                    yield from self._before
                    self._before.clear()
                    yield ToolFragment(self._calls, new_call_id(), item.name, item.arguments)
                    self._calls += 1
            elif self.missing:
                self._before.append(item)
            else:
                yield item

    def _is_wanted(self, call: FoundCall) -> bool:
        if self._calls and not self._parallel:
            return False
        return self._allowed is None or call.name in self._allowed

    def _finishing(self, deltas: list[Delta]) -> list[Delta]:
        """The deltas, ending with tool calls where the model ended of its own will."""
        if not self._calls:
            return deltas
        return [
            replace(delta, finish_reason="tool_calls") if delta.finish_reason == "stop" else delta
            for delta in deltas
        ]
