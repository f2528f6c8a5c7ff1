"""What a body is by its first bytes: streams come labelled as JSON, and JSON as a stream."""

from __future__ import annotations

import re

from emissary_transport.sse import BOM, EventSplitter, Splitter, WholeBody

_FIELD = re.compile(rb"(data|event|id|retry)?:")
_MAYBE_FIELD = re.compile(rb"[a-z]{0,5}")
_JSON_FIELD = re.compile(rb"data: ?[{\[]")
_MAYBE_JSON_FIELD = re.compile(rb"(d|da|dat|data:? ?)?")
_JSON = re.compile(rb"[{\[]")


class Recogniser:
    """A splitter until the first bytes tell which one the body needs; nothing is lost meanwhile.

    Args:
        splitter: The one that the content type asks for.
        is_text: Whether the body may be mere text, which only an event with JSON in it is not.
    """

    def __init__(self, splitter: Splitter, *, is_text: bool = False) -> None:
        self.splitter = splitter
        self.is_settled = False
        self._field = _JSON_FIELD if is_text else _FIELD
        self._maybe = _MAYBE_JSON_FIELD if is_text else _MAYBE_FIELD
        self._head = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the events that this chunk completes."""
        if self.is_settled:
            return self.splitter.feed(chunk)
        self._head += chunk
        start = self._head.removeprefix(BOM).lstrip()
        if self._maybe.fullmatch(start) or BOM.startswith(start):
            return []
        return self._settle(start)

    def close(self) -> list[bytes]:
        """Give what is left when the body has ended."""
        events = [] if self.is_settled else self._settle(b"")
        return [*events, *self.splitter.close()]

    def _settle(self, start: bytes) -> list[bytes]:
        self.is_settled = True
        if self._field.match(start) and not isinstance(self.splitter, EventSplitter):
            self.splitter = EventSplitter()
        elif _JSON.match(start) and isinstance(self.splitter, EventSplitter):
            self.splitter = WholeBody()
        head, self._head = self._head, b""
        return self.splitter.feed(head)
