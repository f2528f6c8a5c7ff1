"""The floor: httpx, lines split by it, `json.loads`, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from benchmarks.clients.base import KEY, MODEL, TOOL, Client

HEADERS = {"authorization": f"Bearer {KEY}"}
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)


class BareHttpx(Client):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._url = f"{url}/openai/v1/chat/completions"
        self._http = httpx.Client(headers=HEADERS, limits=LIMITS, timeout=60)
        self._ahttp: httpx.AsyncClient | None = None

    def call(self, prompt: str) -> str:
        return _text(self._http.post(self._url, json=_body(prompt)).json())

    async def acall(self, prompt: str) -> str:
        return _text((await self._async().post(self._url, json=_body(prompt))).json())

    def stream(self, prompt: str) -> Iterator[str]:
        for delta in self._deltas(_body(prompt, stream=True)):
            yield delta.get("content", "")

    async def astream(self, prompt: str) -> AsyncIterator[str]:
        body = _body(prompt, stream=True)
        async with self._async().stream("POST", self._url, json=body) as answer:
            async for line in answer.aiter_lines():
                yield _delta(line).get("content", "")

    def tool(self, prompt: str) -> Any:
        body = _body(prompt, stream=True, tools=[TOOL])
        pieces = [
            piece["function"]["arguments"]
            for delta in self._deltas(body)
            for piece in delta.get("tool_calls", ())
        ]
        return json.loads("".join(pieces))

    def new(self, prompt: str) -> str:
        new = BareHttpx(self.url)
        try:
            return new.call(prompt)
        finally:
            new._http.close()

    def _deltas(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        with self._http.stream("POST", self._url, json=body) as answer:
            yield from map(_delta, answer.iter_lines())

    def _async(self) -> httpx.AsyncClient:
        if self._ahttp is None:
            self._ahttp = httpx.AsyncClient(headers=HEADERS, limits=LIMITS, timeout=60)
        return self._ahttp


def _body(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}], **more}


def _text(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def _delta(line: str) -> dict[str, Any]:
    if not line.startswith("data: ") or line == "data: [DONE]":
        return {}
    choices = json.loads(line[6:])["choices"]
    return choices[0]["delta"] if choices else {}
