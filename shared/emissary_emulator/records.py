"""A record of what came in, for tests to look at."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """How a request was answered, filled in while it is."""

    status: int | None = None
    events: int = 0
    finished: bool = False
    left_early: bool = False


@dataclass(frozen=True)
class Record:
    """A request as it came: the path still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes
    service: str
    request_id: str
    outcome: Outcome = field(default_factory=Outcome, compare=False)


class Records:
    """All requests in order; may be read while the server runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []

    def add(self, record: Record) -> None:
        """Keep one more."""
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._records.clear()

    @property
    def last(self) -> Record:
        """The latest request; an IndexError when there was none."""
        return self[-1]

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies, in order."""
        return [record.body for record in self]

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    def __getitem__(self, place: int) -> Record:
        with self._lock:
            return self._records[place]
