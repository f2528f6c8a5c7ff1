"""An async generator that another one reads from."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Nested(Generic[T]):
    """Like `contextlib.aclosing`, for use inside an async generator.

    An event loop that ends closes all the async generators it knows side by side. It must not know
    the inner one, which the outer one closes: "aclose(): asynchronous generator is already
    running".
    """

    def __init__(self, inner: AsyncGenerator[T, None]) -> None:
        self._inner = inner
        self._next = self._first

    def _first(self) -> Awaitable[T]:
        """Begin, while event loops do not look."""
        told = sys.get_asyncgen_hooks().firstiter
        sys.set_asyncgen_hooks(firstiter=None)
        try:
            return self._inner.__anext__()
        finally:
            sys.set_asyncgen_hooks(firstiter=told)
            self._next = self._inner.__anext__

    def __aiter__(self) -> Nested[T]:
        return self

    def __anext__(self) -> Awaitable[T]:
        return self._next()

    async def __aenter__(self) -> Nested[T]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._inner.aclose()
