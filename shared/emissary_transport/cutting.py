"""Stop sequences, cut here for services that do not know them."""

from __future__ import annotations

from collections.abc import Sequence


class StopCutter:
    """Text in, the text before the earliest stop sequence out.

    Only what may be the beginning of a stop sequence is held back.

    >>> cutter = StopCutter(["END"])
    >>> cutter.feed("the E"), cutter.feed("ND of it"), cutter.cut
    ('the ', '', True)
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._reach = max(map(len, self._stop)) - 1
        self._held = ""
        self.cut = False

    def feed(self, text: str) -> str:
        """Give the text that is certain to stand before any stop sequence."""
        if self.cut or not text:
            return ""
        text = self._held + text
        end = self._match(text)
        begin = self._possible(text, len(text) if end is None else end)
        if begin is not None:  # may still become a match, and an earlier one than `end`
            self._held = text[begin:]
            return text[:begin]
        self._held = ""
        self.cut = end is not None
        return text[:end]

    def close(self) -> str:
        """Give what was held back, if it turned out to be ordinary text."""
        text, self._held = self._held, ""
        if self.cut:
            return ""
        end = self._match(text)
        self.cut = end is not None
        return text[:end]

    def _match(self, text: str) -> int | None:
        found = [at for at in map(text.find, self._stop) if at >= 0]
        return min(found, default=None)

    def _possible(self, text: str, before: int) -> int | None:
        """Where the earliest unfinished stop sequence begins, if it does before `before`."""
        for begin in range(max(0, len(text) - self._reach), before):
            if any(stop.startswith(text[begin:]) for stop in self._stop):
                return begin
        return None
