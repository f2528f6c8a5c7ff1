"""What any LlamaIndex LLM is asked; each program says which one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.tools import FunctionTool

from benchmarks.clients.base import Client


def record(text: str) -> str:
    """Write a text down."""
    return text


class LlamaIndex(Client):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.llm = self.made()

    def made(self) -> LLM:
        """A new LLM."""
        raise NotImplementedError

    def call(self, prompt: str) -> str:
        return self.llm.chat([ChatMessage(prompt)]).message.content or ""

    async def acall(self, prompt: str) -> str:
        return (await self.llm.achat([ChatMessage(prompt)])).message.content or ""

    def stream(self, prompt: str) -> Iterator[str]:
        for chunk in self.llm.stream_chat([ChatMessage(prompt)]):
            yield chunk.delta or ""

    async def astream(self, prompt: str) -> AsyncIterator[str]:
        async for chunk in await self.llm.astream_chat([ChatMessage(prompt)]):
            yield chunk.delta or ""

    def tool(self, prompt: str) -> Any:
        """As agents do it: the calls are read from every chunk."""
        llm = self.llm
        if not isinstance(llm, FunctionCallingLLM):
            raise NotImplementedError
        calls = []
        for chunk in llm.stream_chat_with_tools([FunctionTool.from_defaults(record)], prompt):
            calls = llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False)
        return calls[0].tool_kwargs

    async def atool(self, prompt: str) -> Any:
        llm = self.llm
        if not isinstance(llm, FunctionCallingLLM):
            raise NotImplementedError
        calls = []
        tools = [FunctionTool.from_defaults(record)]
        async for chunk in await llm.astream_chat_with_tools(tools, prompt):
            calls = llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False)
        return calls[0].tool_kwargs
