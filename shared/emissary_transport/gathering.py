"""Many requests side by side, within a bound: by tasks or by threads."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import anyio
from anyio.lowlevel import RunVar

from emissary_transport.client import AsyncClient, Client
from emissary_transport.embedding import (
    Batch,
    EmbeddingService,
    Texts,
    about_texts,
    batches,
    joined,
)
from emissary_transport.inquiry import Embeddings
from emissary_transport.question import Question

Job = TypeVar("Job")
R = TypeVar("R")
BOUND = 8
"""How many requests are under way at a time, if nothing else is asked for."""


class Gathering(Generic[Job, R]):
    """Jobs to do and what came of them; workers take from it until one of them fails."""

    def __init__(self, jobs: Iterable[Job], done: Callable[[Job], None] | None) -> None:
        self._jobs = enumerate(jobs)
        self._lock = threading.Lock()
        self._results: dict[int, R] = {}
        self._error: Exception | None = None
        self._over = False
        self._done = done

    def __iter__(self) -> Iterator[tuple[int, Job]]:
        return self

    def __next__(self) -> tuple[int, Job]:
        with self._lock:
            if self._over:
                raise StopIteration
            return next(self._jobs)

    def keep(self, number: int, job: Job, result: R) -> None:
        """Keep what came of a job."""
        with self._lock:
            self._results[number] = result
            if self._done:
                self._done(job)

    def fail(self, error: Exception | None = None) -> None:
        """Hand out no more jobs; the first error is the one that counts."""
        with self._lock:
            self._over = True
            self._error = self._error or error

    def results(self) -> list[R]:
        """What came of the jobs, in their order.

        Raises:
            Exception: The first job that failed raised it.
        """
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in sorted(self._results)]


_limiters: RunVar[WeakKeyDictionary[object, anyio.CapacityLimiter]] = RunVar(
    "emissary_transport.limiters"
)


def shared_limiter(holder: object, bound: int) -> anyio.CapacityLimiter:
    """The limiter that everything with this holder keeps to in the running event loop."""
    limiters = _limiters.get(None)
    if limiters is None:
        limiters = WeakKeyDictionary()
        _limiters.set(limiters)
    limiter = limiters.setdefault(holder, anyio.CapacityLimiter(bound))
    limiter.total_tokens = bound
    return limiter


class Together:
    """Tasks that are given up together: when one fails, the others end with its error."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._error: Exception | None = None

    @contextmanager
    def one(self) -> Iterator[None]:
        """What one of the tasks does.

        Raises:
            Exception: It failed, or another one did.
        """
        if self._error is not None:
            raise self._error
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            except Exception as error:
                self._error = self._error or error
                for other in self._scopes - {scope}:
                    other.cancel()
                raise
            finally:
                self._scopes.discard(scope)
        if scope.cancelled_caught and self._error is not None:
            raise self._error


def must_be_bound(bound: Any) -> int:
    """The bound, if it is one.

    Raises:
        ValueError: It is no positive whole number.
    """
    if not isinstance(bound, int) or isinstance(bound, bool) or bound < 1:
        raise ValueError(f"max_concurrency must be at least 1, not {bound!r}.")
    return bound


def gather(
    ask: Callable[[Job], R],
    jobs: Iterable[Job],
    count: int,
    bound: int,
    done: Callable[[Job], None] | None = None,
) -> list[R]:
    """Do so many jobs, some of them side by side in threads, and give the results in order.

    Once one fails no other is begun, and those under way are waited for.
    """
    gathering: Gathering[Job, R] = Gathering(jobs, done)

    def work() -> None:
        try:
            for number, job in gathering:
                gathering.keep(number, job, ask(job))
        except Exception as error:
            gathering.fail(error)

    workers = min(bound, count)
    if workers < 2:
        work()
        return gathering.results()
    with ThreadPoolExecutor(workers, thread_name_prefix="emissary") as pool:
        try:
            for task in [pool.submit(contextvars.copy_context().run, work) for _ in range(workers)]:
                task.result()
        finally:
            gathering.fail()
    return gathering.results()


async def agather(
    ask: Callable[[Job], Awaitable[R]],
    jobs: Iterable[Job],
    count: int,
    bound: int,
    done: Callable[[Job], None] | None = None,
) -> list[R]:
    """Do so many jobs, some of them side by side in tasks; once one fails the rest is cancelled."""
    gathering: Gathering[Job, R] = Gathering(jobs, done)
    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            try:
                for number, job in gathering:
                    gathering.keep(number, job, await ask(job))
            except Exception as error:
                gathering.fail(error)
                tasks.cancel_scope.cancel()

        for _ in range(min(bound, count)):
            tasks.start_soon(work)
    return gathering.results()


def embed(
    client: Client,
    embedding: EmbeddingService,
    asked: Question,
    texts: Iterable[str],
    *,
    size: int | None = None,
    bound: int = BOUND,
    done: Callable[[Batch], None] | None = None,
    places: Sequence[int] | None = None,
    count: int | None = None,
) -> Embeddings:
    """The vectors of texts, in their order.

    Args:
        client: Whom to ask.
        embedding: How the service embeds.
        asked: What else a request says.
        texts: The texts; of none, or of empty ones, nothing is asked.
        size: How many texts to put into a request, if the service takes so many.
        bound: How many requests may be under way at a time.
        done: Told each batch that is done.
        places: Where the texts stand in a longer list, for errors to tell.
        count: How long that list is.

    Raises:
        ServiceError: A request failed; `texts` says which texts it was about.
        ValueError: A text can't be embedded; nothing was sent.
    """
    known, many, size = Texts(texts, places), must_be_bound(bound), embedding.batch_size(size)

    def ask(batch: Batch) -> Embeddings:
        with about_texts(batch.places(known.places), count or known.count):
            return client.ask(batch.inquiry)

    jobs = batches(embedding, asked, known.sent, size)
    parts = gather(ask, jobs, -(-len(known.sent) // size), many, done)
    return known.answered(joined(parts), asked.fields.get("dimensions"))


async def aembed(
    client: AsyncClient,
    embedding: EmbeddingService,
    asked: Question,
    texts: Iterable[str],
    *,
    size: int | None = None,
    bound: int = BOUND,
    done: Callable[[Batch], None] | None = None,
    places: Sequence[int] | None = None,
    count: int | None = None,
    limiter: anyio.CapacityLimiter | None = None,
) -> Embeddings:
    """The vectors of texts, in their order; see `embed`.

    With a `limiter`, calls that share it keep to its bound together.
    """
    known, many, size = Texts(texts, places), must_be_bound(bound), embedding.batch_size(size)

    async def ask(batch: Batch) -> Embeddings:
        async with limiter or nullcontext():
            with about_texts(batch.places(known.places), count or known.count):
                return await client.ask(batch.inquiry)

    jobs = batches(embedding, asked, known.sent, size)
    parts = await agather(ask, jobs, -(-len(known.sent) // size), many, done)
    return known.answered(joined(parts), asked.fields.get("dimensions"))
