"""Thousands of streams at once with random faults against the emulator, every answer checked.

    python benchmarks/soak.py --seconds 180

The emulator runs in a process of its own. It ends with the figures, and with an error if an answer
was wrong, an error was of another class than its fault's, or anything was left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from llama_index.core.base.llms.types import ChatMessage

from emissary_transport import errors
from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq
from llamaindex_emissary import Atoma, Emissary, Orq

QUESTION = "Which river flows through Prague? The Vltava flows through Prague, past the castle."
FAULTS: dict[str, type[errors.ServiceError] | None] = {
    "": None,
    "fragment=7": None,
    "glue": None,
    "crlf;noise": None,
    "keepalive-flood=0.05": None,
    "pace=0.01": None,
    "status=400": errors.InvalidRequest,
    "status=401": errors.AuthenticationFailed,
    "status=503;times=1": None,
    "status=503": errors.ServerError,
    "status=429;retry-after=0": errors.RateLimited,
    "reset": errors.NoAnswer,
    "cut=3": errors.BrokenAnswer,
    "truncate=3": errors.BadAnswer,
    "stall=3": errors.StalledAnswer,
    "error-event=3": errors.ServiceError,
    "html": errors.BadAnswer,
    "empty": errors.BadAnswer,
    "garbage": errors.BadAnswer,
}
"""What the emulator is asked for, and the error that has to come of it."""
LEAVE = 0.1
"""How many of the streams are left early."""


@dataclass
class Figures:
    """What came of it all."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    most_at_once: int = 0
    now: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One stream being read."""
        self.now += 1
        self.most_at_once = max(self.now, self.most_at_once)
        try:
            yield
        finally:
            self.now -= 1


def models(base: str) -> list[tuple[str, Any]]:
    """A model of each class."""
    more: dict[str, Any] = {"api_key": "sk-soak-12345678", "max_retries": 1, "stall_timeout": 30}
    by_service = (("orq", "openai/gpt-4o"), ("atoma", "org/model"), ("emissary", "support-bot"))
    classes = {"orq": (ChatOrq, Orq), "atoma": (ChatAtoma, Atoma)}
    found: list[tuple[str, Any]] = []
    for service, model in by_service:
        ours, theirs = classes.get(service, (ChatEmissary, Emissary))
        found.append((service, ours(model=model, base_url=f"{base}/{service}", **more)))
        found.append((service, theirs(model=model, api_base=f"{base}/{service}", **more)))
    return found


async def pieces(model: Any, headers: dict[str, str]) -> Any:
    """A stream's generator, and what takes the text out of each piece."""
    if hasattr(model, "ainvoke"):
        return model.astream(QUESTION, extra_headers=headers), lambda piece: piece.text
    stream = await model.astream_chat([ChatMessage(QUESTION)], extra_headers=headers)
    return stream, lambda piece: piece.delta or ""


async def ask(model: Any, fault: str, number: int, leaves: bool) -> tuple[str, str]:
    """How a stream ended, and all of its text."""
    header = f"{fault};id={number}" if "times" in fault else fault
    headers = {"X-Emulator-Fault": header} if fault else {}
    if "stall" in fault:
        model = model.model_copy(update={"stall_timeout": 5.0})
    text = ""
    stream, text_of = await pieces(model, headers)
    async with aclosing(stream):
        async for piece in stream:
            text += text_of(piece)
            if leaves and text:
                return "left", text
    return "whole", text


async def work(
    figures: Figures, asked: list[tuple[str, Any]], whole: list[str], end: float
) -> None:
    """One stream after the other until the time is over."""
    while time.monotonic() < end:
        number = random.randrange(10**9)
        place = random.randrange(len(asked))
        fault = random.choice(list(FAULTS))
        leaves = random.random() < LEAVE
        expected = FAULTS[fault]
        try:
            with figures.one():
                how, text = await ask(asked[place][1], fault, number, leaves)
        except errors.ServiceError as error:
            if expected is None or not isinstance(error, expected):
                figures.wrong.append(f"{fault or 'no fault'}: {type(error).__name__}: {error}")
            figures.outcomes[f"{fault}: {type(error).__name__}"] += 1
            continue
        if not whole[place].startswith(text) or (how == "whole" and text != whole[place]):
            figures.wrong.append(f"{fault or 'no fault'}: {text[:80]!r}")
        if how == "whole" and expected is not None:
            figures.wrong.append(f"{fault}: passed for a whole answer")
        figures.outcomes[f"{fault or 'no fault'}: {how}"] += 1


def resident() -> float:
    """Megabytes of memory."""
    told = Path("/proc/self/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", told)
    return int(found[1]) / 1024 if found else 0.0


async def watch(figures: Figures, begun: float) -> None:
    """Look at the memory now and then."""
    while True:
        await asyncio.sleep(2)
        figures.memory.append((time.monotonic() - begun, resident()))


async def soak(base: str, seconds: float, workers: int) -> Figures:
    """Let workers ask for so many seconds."""
    figures, asked = Figures(), models(base)
    whole = [(await ask(model, "", 0, leaves=False))[1] for _, model in asked]
    assert all(len(text) > 20 for text in whole), whole
    begun = time.monotonic()
    watcher = asyncio.create_task(watch(figures, begun))
    end = begun + seconds
    await asyncio.gather(*(work(figures, asked, whole, end) for _ in range(workers)))
    watcher.cancel()
    await asyncio.wait([watcher])
    for _, model in asked:
        await model.aclose()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=5)
    figures.wrong += [f"task left behind: {task}" for task in others]
    return figures


def sockets() -> int:
    """How many connections the process has open."""
    links = []
    for each in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{each}"))
        except OSError:
            continue
    return sum(link.startswith("socket:") for link in links)


@contextmanager
def emulator(port: int) -> Iterator[str]:
    """The emulator in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "emissary_emulator", "--port", str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                httpx.get(base)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield base
    finally:
        process.terminate()
        process.wait(20)


def drift(memory: list[tuple[float, float]]) -> float:
    """By how many megabytes memory grew from the second quarter of the time to the last."""
    quarter = max(1, len(memory) // 4)
    second, last = memory[quarter : 2 * quarter] or memory, memory[-quarter:]
    return sum(mb for _, mb in last) / len(last) - sum(mb for _, mb in second) / len(second)


def main() -> int:
    """Soak and tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=180)
    options.add_argument("--workers", type=int, default=2000, help="streams at a time")
    options.add_argument("--port", type=int, default=8491)
    options.add_argument("--seed", type=int, default=int(time.time()))
    chosen = options.parse_args()
    random.seed(chosen.seed)
    before, threads = sockets(), threading.active_count()
    with emulator(chosen.port) as base:
        figures = asyncio.run(soak(base, chosen.seconds, chosen.workers))
    gc.collect()
    if sockets() != before:
        figures.wrong.append(f"{sockets() - before} sockets left behind")
    if threading.active_count() != threads:
        figures.wrong.append(f"threads left behind: {threading.enumerate()}")
    grown = drift(figures.memory)
    count = figures.outcomes.total()
    print(f"seed {chosen.seed}, {chosen.seconds:.0f} s, Python {sys.version.split()[0]}")
    print(f"{count} streams, {figures.most_at_once} at once at most")
    for outcome, times in sorted(figures.outcomes.items()):
        print(f"  {times:7} {outcome}")
    print(f"memory: {figures.memory[-1][1]:.0f} MB at the end, {grown:+.1f} MB in the second half")
    print(f"wrong: {len(figures.wrong)}")
    for wrong in figures.wrong[:20]:
        print(f"  {wrong}")
    return 1 if figures.wrong or grown > 30 else 0


if __name__ == "__main__":
    sys.exit(main())
