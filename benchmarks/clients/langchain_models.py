"""What any LangChain chat model is asked; each program says which model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk

from benchmarks.clients.base import TOOL, Client


class LangChain(Client):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.model = self.made()

    def made(self) -> BaseChatModel:
        """A new model."""
        raise NotImplementedError

    def call(self, prompt: str) -> str:
        return str(self.model.invoke(prompt).content)

    async def acall(self, prompt: str) -> str:
        return str((await self.model.ainvoke(prompt)).content)

    def stream(self, prompt: str) -> Iterator[str]:
        for chunk in self.model.stream(prompt):
            yield chunk.content  # type: ignore[misc]

    async def astream(self, prompt: str) -> AsyncIterator[str]:
        async for chunk in self.model.astream(prompt):
            yield chunk.content  # type: ignore[misc]

    def tool(self, prompt: str) -> Any:
        pieces = []
        for chunk in self.model.bind_tools([TOOL]).stream(prompt):
            assert isinstance(chunk, AIMessageChunk)
            pieces += [piece["args"] or "" for piece in chunk.tool_call_chunks]
        return "".join(pieces)

    async def atool(self, prompt: str) -> Any:
        pieces = []
        async for chunk in self.model.bind_tools([TOOL]).astream(prompt):
            assert isinstance(chunk, AIMessageChunk)
            pieces += [piece["args"] or "" for piece in chunk.tool_call_chunks]
        return "".join(pieces)
