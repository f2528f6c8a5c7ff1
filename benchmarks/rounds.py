"""Rounds: every client in turn, a turn further each time."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.request import urlopen

from benchmarks.clients.registry import Entry
from benchmarks.machine import ROOT, python_path
from benchmarks.measures import Measure
from benchmarks.scenarios import IMPORT, IMPORTS, Scenario
from benchmarks.worker import NotMeasured, Worker

T = TypeVar("T")
Medians = dict[str, dict[str, Measure]]
"""Scenario, client, quantity: the median over the rounds."""
CONNECTIONS = {"streams", "models"}
"""Scenarios whose connections are counted."""
_IMPORT = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import {module}
print((time.process_time() - cpu) * 1e6, (time.perf_counter() - wall) * 1e6)
"""


@dataclass
class Results:
    """All that was measured, and why the rest was not."""

    samples: dict[str, dict[str, list[Measure]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    left_out: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def medians(self) -> Medians:
        """The median of each quantity over the rounds; of connections the most."""
        return {
            scenario: {name: _median(samples) for name, samples in clients.items()}
            for scenario, clients in self.samples.items()
        }


def _median(samples: Sequence[Measure]) -> Measure:
    return {
        quantity: (max if quantity == "connections" else statistics.median)(
            [sample[quantity] for sample in samples]
        )
        for quantity in samples[0]
    }


@dataclass
class Rounds:
    """The clients at work.

    Attributes:
        url: The server.
        entries: The clients.
        core: The core that they are measured on, if it can be chosen.
        is_smoke: Measure next to nothing.
    """

    url: str
    entries: Sequence[Entry]
    core: int | None = None
    is_smoke: bool = False
    results: Results = field(default_factory=Results)

    def run(self, scenarios: Iterable[Scenario], rounds: int) -> None:
        """Measure the scenarios, one after the other; say on standard error how far it is."""
        with ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for entry in self.entries:
                workers[entry.name] = worker = Worker(entry, self.url, self.core)
                stack.callback(worker.close)
            for scenario in scenarios:
                print(f"{scenario.key} ...", file=sys.stderr, flush=True)
                self._measure(scenario, workers, rounds)

    def _measure(self, scenario: Scenario, workers: Mapping[str, Worker], rounds: int) -> None:
        taking_part = []
        for entry in self.entries:
            reason = scenario.left_out(entry)
            if reason:
                self.results.left_out[scenario.key][entry.name] = reason
            else:
                taking_part.append(entry)
        if not (self.is_smoke or scenario.fresh):
            for entry in list(taking_part):  # nobody is measured cold
                # what is premade is made now
                count = scenario.count if entry.role == "alone" else scenario.smoke
                if self._ask(scenario, workers[entry.name], count) is None:
                    taking_part.remove(entry)
        times = 1 if self.is_smoke else rounds * scenario.times
        for number in range(min(times, scenario.most)):
            for entry in rotated(taking_part, number):
                self._sample(scenario, entry, workers)

    def _sample(self, scenario: Scenario, entry: Entry, workers: Mapping[str, Worker]) -> None:
        count = scenario.smoke if self.is_smoke else scenario.count
        alone = scenario.fresh and not self.is_smoke
        worker = Worker(entry, self.url, self.core) if alone else workers[entry.name]
        if scenario.key in CONNECTIONS:
            accepted(self.url)
        measure = self._ask(scenario, worker, count)
        if measure is not None:
            if scenario.key in CONNECTIONS:
                measure["connections"] = accepted(self.url)
            self.results.samples[scenario.key][entry.name].append(measure)
        if alone:
            worker.close()

    def _ask(self, scenario: Scenario, worker: Worker, count: int) -> Measure | None:
        try:
            return worker.ask(scenario.does, count)
        except NotMeasured as reason:
            self.results.left_out[scenario.key][worker.entry.name] = str(reason)
            return None

    def run_imports(self, rounds: int) -> None:
        """Import each client's package in fresh processes."""
        print(f"{IMPORT} ...", file=sys.stderr, flush=True)
        names = {"httpx"} if self.is_smoke else IMPORTS.keys()
        entries = [entry for entry in self.entries if entry.name in names]
        for number in range(rounds + 1):
            for entry in rotated(entries, number):
                measure = import_time(entry.python, IMPORTS[entry.name])
                if number or self.is_smoke:  # the first one may have to compile
                    self.results.samples[IMPORT][entry.name].append(measure)


def rotated(turns: Sequence[T], number: int) -> list[T]:
    """The turns, begun a turn later each round."""
    start = number % len(turns) if turns else 0
    return [*turns[start:], *turns[:start]]


def accepted(url: str) -> int:
    """How many connections the server has accepted since it was last asked."""
    with urlopen(f"{url}/connections") as answer:
        return int(json.load(answer)["accepted"])


def import_time(python: str, module: str) -> Measure:
    """What an import costs in a fresh process, in µs."""
    environment = {**os.environ, "PYTHONPATH": python_path()}
    told = subprocess.run(
        [python, "-c", _IMPORT.format(module=module)],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    cpu, wall = map(float, told.stdout.split()[-2:])
    return {"cpu": cpu, "wall": wall}
