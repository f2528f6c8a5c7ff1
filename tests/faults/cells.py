"""One cell of the matrix: a fault, a class, sync or async, plain or streamed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from emissary_transport.errors import ServiceError
from faults import good
from faults.rows import Outcome, Row
from faults.ways import Way
from wire.peer import Peer


def files() -> set[str]:
    """What the process has open."""
    return {f"{each} {_target(each)}" for each in os.listdir("/proc/self/fd")}


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # the one that listed them
        return ""


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if a thread, a connection or a file is left behind."""
    has_proc = os.path.isdir("/proc/self/fd")
    threads, open_files = set(threading.enumerate()), files() if has_proc else set()
    yield
    late = time.monotonic() + 2
    while time.monotonic() < late:
        left = [*(set(threading.enumerate()) - threads), *_left(open_files if has_proc else None)]
        if not left:
            return
        time.sleep(0.005)
    raise AssertionError(f"left behind: {left}")


def _left(before: set[str] | None) -> list[str]:
    now = set() if before is None else files() - before
    return [each for each in now if "socket:" in each or "pipe:" in each or "/" in each[:9]]


def check(row: Row, way: Way, how: str, mode: str) -> None:
    """Play a fault and see that what comes of it is what has to."""
    outcome = row.outcome(way.kind, mode)
    if outcome is None:
        return
    with Peer(row.steps(way.kind, mode)) as peer:
        model = way.make(peer.base_url, **row.fields)
        came = asked(way, how, mode, model, outcome)
        assert len(peer.requests) == outcome.tries
        assert peer.served.wait(2), "a connection is left open"
    whole = good.answer(way.kind)
    if outcome.error is None:
        assert came == whole
    else:
        assert whole.startswith(came) or not came.strip("x"), "not what was sent"
        assert came != whole or mode == "streamed"


def asked(
    way: Way, how: str, mode: str, model: Any, outcome: Outcome, status: int | None = None
) -> str:
    """Everything that came; the error, if one has to come, is of the right class."""
    came: list[str] = []
    if outcome.error is None:
        way.ask(how, mode, model, came.append)
        return "".join(came)
    with pytest.raises(ServiceError) as caught:
        way.ask(how, mode, model, came.append)
    error = caught.value
    assert isinstance(error, outcome.error), f"{type(error).__mro__}: {error}"
    assert (error.service, error.status) == (way.service, status)
    return "".join(came)
