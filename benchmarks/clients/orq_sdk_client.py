"""Orq's own SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from orq_ai_sdk import Orq

from benchmarks.clients.base import KEY, MODEL, Client


class OrqSdk(Client):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._completions = Orq(api_key=KEY, server_url=f"{url}/orq").router.chat.completions

    def call(self, prompt: str) -> str:
        return _text(self._completions.create(**_body(prompt)))

    async def acall(self, prompt: str) -> str:
        return _text(await self._completions.create_async(**_body(prompt)))

    def stream(self, prompt: str) -> Iterator[str]:
        with self._completions.create(**_body(prompt), stream=True) as events:
            yield from map(_delta, events)

    async def astream(self, prompt: str) -> AsyncIterator[str]:
        async with await self._completions.create_async(**_body(prompt), stream=True) as events:
            async for event in events:
                yield _delta(event)


def _body(prompt: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}


def _text(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def _delta(event: Any) -> str:
    choices = (event.data or event).choices
    return choices[0].delta.content or "" if choices else ""
