"""A list of texts on its way through LlamaIndex, which hands it on batch by batch."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from emissary_transport.gathering import Together

_RUN: ContextVar[EmbeddingRun | None] = ContextVar("llamaindex_emissary.run", default=None)


class EmbeddingRun(Together):
    """Knows where the texts of a batch stand in the whole list; batches are given up together."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self.count = len(texts)
        self._places: defaultdict[str, deque[int]] = defaultdict(deque)
        for place, text in enumerate(texts):
            self._places[text].append(place)

    def places(self, batch: Sequence[str]) -> list[int] | None:
        """Where the texts of the next batch stand, or None if they are others."""
        queues = [self._places.get(text) for text in batch]
        places = [queue.popleft() for queue in queues if queue]
        return places if len(places) == len(batch) else None


def current_run() -> EmbeddingRun | None:
    """The list that is being embedded, if it is more than one batch."""
    return _RUN.get()


@contextmanager
def run_of(texts: Sequence[str]) -> Iterator[None]:
    """Let the batches within know the list that they come from."""
    token = _RUN.set(EmbeddingRun(texts))
    try:
        yield
    finally:
        _RUN.reset(token)
