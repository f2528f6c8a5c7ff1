"""Deltas for what a filter made of another delta's text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from emissary_transport.types import Delta, ToolFragment


class Outlet:
    """Makes deltas out of text and calls, and keeps what stands for the end behind held text."""

    def __init__(self) -> None:
        self._end = Delta()

    @property
    def waiting(self) -> bool:
        """Whether the end of the answer waits for text that is held."""
        return self._end != Delta(index=self._end.index)

    def deltas(
        self, delta: Delta, items: Iterable[str | ToolFragment], *, holding: bool
    ) -> list[Delta]:
        """The delta with these items in place of its text.

        What is in it beside text comes with the first of them; finish reason, usage and metadata
        come with the last, and as long as text is held back, not yet.
        """
        self._keep_end(delta)
        out = list(_said(items, delta.index))
        body = replace(delta, text="", finish_reason=None, usage=None, metadata=None)
        if out:
            fragments = (*body.tool_fragments, *out[0].tool_fragments)
            out[0] = replace(body, text=out[0].text, tool_fragments=fragments)
        elif body != Delta(index=delta.index):
            out = [body]
        if self.waiting and not holding:
            end, self._end = self._end, Delta()
            last = out.pop() if out else Delta(index=delta.index)
            out.append(
                replace(
                    last,
                    finish_reason=end.finish_reason,
                    usage=end.usage,
                    metadata=end.metadata,
                )
            )
        return out

    def _keep_end(self, delta: Delta) -> None:
        end = self._end
        end.index = delta.index
        end.finish_reason = delta.finish_reason or end.finish_reason
        end.usage = delta.usage or end.usage
        end.metadata = delta.metadata if delta.metadata is not None else end.metadata


def _said(items: Iterable[str | ToolFragment], index: int) -> Iterable[Delta]:
    for _, group in groupby(items, type):
        same = list(group)
        text = "".join(item for item in same if isinstance(item, str))
        fragments = tuple(item for item in same if isinstance(item, ToolFragment))
        if text or fragments:
            yield Delta(text, tool_fragments=fragments, index=index)
