"""A process that runs one client: orders in, measures out, a line of JSON each."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.clients.registry import HTTP_SWITCH, Entry
from benchmarks.machine import ROOT, pin, python_path
from benchmarks.measures import Measure, Measures


class NotMeasured(Exception):
    """A client does not do what was asked for, or failed at it."""


@dataclass
class Worker:
    """A client's process, seen from outside."""

    entry: Entry
    url: str
    core: int | None = None
    _process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        command = [self.entry.python, "-m", "benchmarks.worker", self.entry.program, self.url]
        if self.core is not None:
            command += ["--core", str(self.core)]
        environment = {**os.environ, "PYTHONPATH": python_path(), "LANGSMITH_TRACING": "false"}
        if self.entry.http:
            environment[HTTP_SWITCH] = self.entry.http
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
        )

    def ask(self, what: str, count: int) -> Measure:
        """Have something measured.

        Raises:
            NotMeasured: The client does not do that, or failed.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            print(json.dumps([what, count]), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        told: dict[str, Any] = json.loads(line) if line else {"failure": "its process ended"}
        if "failure" in told:
            raise NotMeasured(told["failure"])
        return told

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Obey until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("url")
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    pin(options.core)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a client prints is no answer
    contexts, stock = _counted(ssl, "create_default_context"), _counted_stock()
    module, _, name = options.program.partition(":")
    client = getattr(importlib.import_module(f"benchmarks.clients.{module}"), name)(options.url)
    measures = Measures(client, contexts)
    for line in sys.stdin:
        what, count = json.loads(line)
        print(json.dumps(_told(measures, what, count, stock)), file=answers, flush=True)
    measures.close()


def _told(measures: Measures, what: str, count: int, stock: Callable[[], int]) -> dict[str, Any]:
    before = stock()
    try:
        told: dict[str, Any] = getattr(measures, what)(count)
    except NotImplementedError:
        return {"failure": "does not do this"}
    except Exception as error:
        return {"failure": f"{type(error).__name__}: {error}"[:300]}
    if os.environ.get(HTTP_SWITCH) == "fast" and stock() > before:
        return {"failure": "its requests went over stock httpx, not over a fast transport"}
    return told


def _counted(owner: Any, name: str) -> Callable[[], int]:
    """Count the calls of a function from now on."""
    calls, original = [0], getattr(owner, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        return original(*args, **kwargs)

    setattr(owner, name, counting)
    return lambda: calls[0]


def _counted_stock() -> Callable[[], int]:
    """Count the requests over httpx's own transports, where those are to be avoided."""
    if os.environ.get(HTTP_SWITCH) != "fast":
        return lambda: 0
    import httpx

    sync = _counted(httpx.HTTPTransport, "handle_request")
    later = _counted(httpx.AsyncHTTPTransport, "handle_async_request")
    return lambda: sync() + later()


if __name__ == "__main__":
    main()
