"""Atoma's own SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from atoma_sdk import AtomaSDK

from benchmarks.clients.base import KEY, MODEL, Client


class AtomaSdk(Client):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._sdk = AtomaSDK(bearer_auth=KEY, server_url=f"{url}/atoma")

    def call(self, prompt: str) -> str:
        return _text(self._sdk.chat.create(**_body(prompt)))

    async def acall(self, prompt: str) -> str:
        return _text(await self._sdk.chat.create_async(**_body(prompt)))

    def stream(self, prompt: str) -> Iterator[str]:
        with self._sdk.chat.create_stream(**_body(prompt)) as events:
            yield from map(_delta, events)

    async def astream(self, prompt: str) -> AsyncIterator[str]:
        async with await self._sdk.chat.create_stream_async(**_body(prompt)) as events:
            async for event in events:
                yield _delta(event)


def _body(prompt: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}


def _text(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def _delta(event: Any) -> str:
    return event.data.choices[0].delta.content or "" if event.data.choices else ""
