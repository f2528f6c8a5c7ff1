"""A peer that answers every kind of question, and what the tests of loops share."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from faults import good
from wire.peer import ENDED, LEFT, STREAM, Peer, part, whole

ROOT = Path(__file__).parents[2]


def kind_of(request: bytes) -> str:
    """Which kind of answer a request wants."""
    path = request.partition(b" HTTP")[0]
    for word, kind in (
        (b"embeddings", "embeddings"),
        (b"rerank", "rerank"),
        (b"chat", "chat"),
    ):
        if word in path:
            return kind
    return "text"


def wants_stream(request: bytes) -> bool:
    return b'"stream":true' in request.replace(b" ", b"") or b'"streaming":true' in request


def answered(request: bytes, pause: float = 0.0) -> list[Any]:
    """A sound answer, a stream in pieces that come one by one."""
    kind = kind_of(request)
    if not wants_stream(request):
        return whole(good.whole(kind))
    pieces = [part(good.sse(each)) for each in good.events(kind)]
    return [STREAM, *(step for piece in pieces for step in (piece, pause)), ENDED]


def slowly(request: bytes) -> list[Any]:
    return answered(request, 0.002)


def begun(request: bytes) -> list[Any]:
    """The beginning of a stream that does not go on."""
    return [STREAM, part(good.sse(good.events(kind_of(request))[0])), LEFT]


def playing(answer: Any = answered) -> Peer:
    """A peer that plays one of these."""
    return Peer(answer)


async def settled() -> None:
    """Wait until no other task is left."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, others = await asyncio.wait(others, timeout=2)
    assert not others, f"tasks left behind: {others}"


def run(program: str, *arguments: str) -> str:
    """What a program of its own says on stderr, where warnings are errors, or its exit code.

    That a step of an event loop took long on a busy machine is no fault.
    """
    paths = (ROOT / "shared", ROOT, ROOT / "tests")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *_frameworks(), "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("Executing ")]
    return "\n".join(said) or (str(done.returncode) if done.returncode else "")


def _frameworks() -> list[str]:
    """What the frameworks warn of when they are imported is not ours."""
    return ["-W", "ignore::DeprecationWarning", "-W", "ignore::PendingDeprecationWarning"]
