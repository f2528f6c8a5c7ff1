"""What a worker measures: processor and wall time a unit, in µs, of answers that are checked."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks import answers
from benchmarks.clients.base import Client

Measure = dict[str, float]
STREAMS, WAVES = 200, 3


def timed(units: int, work: Callable[[], object]) -> Measure:
    """What one unit of the work costs."""
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    work()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return {"cpu": processor / units * 1e6, "wall": wall / units * 1e6}


def expect(came: object, wanted: object) -> None:
    """Fail if an answer is not the right one: a wrong answer has no speed."""
    if came != wanted:
        raise AssertionError(f"{str(came)[:200]!r} came, not {str(wanted)[:200]!r}")


class Measures:
    """The measures of one client; each method but `close` is one, by its name."""

    def __init__(self, client: Client, contexts: Callable[[], int]) -> None:
        self._client = client
        self._contexts = contexts
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """End the event loop as programs do, so that what lives in it can end too."""
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def call(self, count: int) -> Measure:
        """Plain calls, one after the other."""

        def work() -> None:
            for _ in range(count):
                expect(self._client.call("whole-1"), answers.TEXT)

        return timed(count, work)

    def acall(self, count: int) -> Measure:
        """The same, awaited."""

        async def work() -> None:
            for _ in range(count):
                expect(await self._client.acall("whole-1"), answers.TEXT)

        return self._timed(count, work)

    def calls(self, count: int) -> Measure:
        """Async calls, all at once."""

        async def work() -> None:
            for said in await _all(self._client.acall("whole-1") for _ in range(count)):
                expect(said, answers.TEXT)

        return self._timed(count, work)

    def busy(self, count: int) -> Measure:
        """Async calls, a quarter of them under way at a time, each followed by the next."""

        async def one_after_the_other() -> None:
            for _ in left:
                expect(await self._client.acall("whole-1"), answers.TEXT)

        left = iter(range(count))
        return self._timed(count, lambda: _all(one_after_the_other() for _ in range(count // 4)))

    def stream(self, count: int) -> Measure:
        """A stream of text."""
        prompt, wanted = f"text-{count}", answers.text_of(count)
        return timed(count, lambda: expect("".join(self._client.stream(prompt)), wanted))

    def astream(self, count: int) -> Measure:
        """The same, awaited."""
        return self._timed(count, lambda: self._read(count))

    def tool(self, count: int) -> Measure:
        """A streamed tool call."""

        def work() -> None:
            came = self._client.tool(f"tool-{count}")
            expect(json.loads(came) if isinstance(came, str) else came, wanted)

        wanted = answers.arguments_of(count)
        return timed(count, work)

    def atool(self, count: int) -> Measure:
        """The same, awaited."""

        async def work() -> None:
            came = await self._client.atool(f"tool-{count}")
            expect(json.loads(came) if isinstance(came, str) else came, wanted)

        wanted = answers.arguments_of(count)
        return self._timed(count, work)

    def streams(self, count: int) -> Measure:
        """200 async streams at once, three times over."""
        streams = STREAMS if count > 20 else 5

        async def work() -> None:
            for _ in range(WAVES):
                await _all(self._read(count) for _ in range(streams))

        return self._timed(WAVES * streams * count, work)

    def first(self, count: int) -> Measure:
        """Wall time to the first piece of text."""
        return {"wall": statistics.median(self._first() for _ in range(count))}

    def afirst(self, count: int) -> Measure:
        """The same, awaited."""
        times = [self._loop.run_until_complete(self._afirst()) for _ in range(count)]
        return {"wall": statistics.median(times)}

    def age(self, count: int) -> Measure:
        """How old a chunk of a paced stream is when it is handed over."""
        ages = [
            time.monotonic_ns() - int(sent)
            for sent in self._client.stream(f"paced-{count}")
            if sent
        ]
        expect(len(ages), count)
        return {"wall": statistics.median(ages) / 1e3}

    def aage(self, count: int) -> Measure:
        """The same, awaited."""

        async def ages() -> list[int]:
            chunks = self._client.astream(f"paced-{count}")
            return [time.monotonic_ns() - int(sent) async for sent in chunks if sent]

        found = self._loop.run_until_complete(ages())
        expect(len(found), count)
        return {"wall": statistics.median(found) / 1e3}

    def new(self, count: int) -> Measure:
        """A new model and its first call."""

        def work() -> None:
            for _ in range(count):
                expect(self._client.new("whole-1"), answers.TEXT)

        return timed(count, work)

    def models(self, count: int) -> Measure:
        """So many models that live together; the server says how many connections they opened."""
        others = [type(self._client)(self._client.url) for _ in range(count)]
        for other in others:
            expect(other.call("whole-1"), answers.TEXT)
        return {"contexts": self._contexts()}

    def memory(self, count: int) -> Measure:
        """Peak memory, in MB, and how much of it a stream added; for a fresh process."""
        for _ in self._client.stream("text-20"):
            pass
        gc.collect()
        before = _megabytes("VmRSS", forget_peak=True)
        for _ in self._client.stream(f"text-{count}"):
            pass
        peak = _megabytes("VmHWM")
        return {"peak": peak, "growth": peak - before}

    def _timed(self, units: int, work: Callable[[], Awaitable[object]]) -> Measure:
        return timed(units, lambda: self._loop.run_until_complete(_awaited(work())))

    async def _read(self, count: int) -> None:
        said = [text async for text in self._client.astream(f"text-{count}")]
        expect("".join(said), answers.text_of(count))

    def _first(self) -> float:
        began = time.perf_counter()
        chunks = self._client.stream("text-20")
        next(text for text in chunks if text)
        took = time.perf_counter() - began
        for _ in chunks:
            pass
        return took * 1e6

    async def _afirst(self) -> float:
        began, took = time.perf_counter(), 0.0
        async for text in self._client.astream("text-20"):
            if text and not took:
                took = time.perf_counter() - began
        return took * 1e6


async def _awaited(work: Awaitable[object]) -> object:
    return await work


async def _all(works: Iterable[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*works)


def _megabytes(name: str, *, forget_peak: bool = False) -> float:
    """Memory of this process as Linux knows it; elsewhere its peak must do."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if forget_peak:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
