"""langchain-core without any service: what no adapter can do without.

Premade chunks show the framework's own road; chunks made one by one add the objects that any
adapter has to make.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from benchmarks import answers
from benchmarks.clients.langchain_models import LangChain


def text_chunk(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def tool_chunk(arguments: str) -> ChatGenerationChunk:
    piece = tool_call_chunk(args=arguments, index=0)
    return ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[piece]))


@functools.cache
def premade(prompt: str) -> tuple[ChatGenerationChunk, ...]:
    return tuple(chunks(prompt))


def chunks(prompt: str) -> Iterator[ChatGenerationChunk]:
    kind, _, count = prompt.partition("-")
    if kind == "paced":
        raise NotImplementedError
    if kind == "tool":
        yield from map(tool_chunk, answers.fragments_of(int(count)))
    else:
        yield from map(text_chunk, answers.words_of(int(count)))


class Alone(BaseChatModel):
    is_premade: bool = True

    @property
    def _llm_type(self) -> str:
        return "alone"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=tools, **kwargs)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        message = AIMessage(content=answers.TEXT)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        await asyncio.sleep(0)
        return self._generate(messages)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in (premade if self.is_premade else chunks)(str(messages[0].content)):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in (premade if self.is_premade else chunks)(str(messages[0].content)):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


class Premade(LangChain):
    def made(self) -> BaseChatModel:
        return Alone()


class OneByOne(LangChain):
    def made(self) -> BaseChatModel:
        return Alone(is_premade=False)
