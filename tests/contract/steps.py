"""A play written once and driven twice: each step names a method, its async twin has an a-name."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Call this method; what it streams comes back as a list."""

    of: Any
    method: str
    args: tuple[Any, ...] = ()
    options: Any = None

    def bound(self, how: str) -> Any:
        """The method, or its twin."""
        twin = f"a{self.method}"
        name = twin if how == "async" and hasattr(self.of, twin) else self.method
        return getattr(self.of, name)(*self.args, **(self.options or {}))


def ask(of: Any, method: str, *args: Any, **options: Any) -> Ask:
    """A step."""
    return Ask(of, method, args, options)


Play = Generator[Ask, Any, T]


def driven(how: str, play: Play[T]) -> T:
    """What the play comes to, sync or async."""
    if how == "sync":
        return _driven(play)
    return asyncio.run(_adriven(play))


def _driven(play: Play[T]) -> T:
    try:
        step = next(play)
        while True:
            came = step.bound("sync")
            step = play.send(list(came) if isinstance(came, Iterator) else came)
    except StopIteration as end:
        return end.value


async def _adriven(play: Play[T]) -> T:
    try:
        step = next(play)
        while True:
            came = step.bound("async")
            if inspect.isawaitable(came):
                came = await came
            if isinstance(came, AsyncIterator):
                came = [each async for each in came]
            step = play.send(came)
    except StopIteration as end:
        return end.value
