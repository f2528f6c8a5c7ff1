"""llama-index-core without any service: what no adapter can do without; see `langchain_alone`."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    TextBlock,
)
from llama_index.core.llms import LLM, CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback

from benchmarks import answers
from benchmarks.clients.llamaindex_models import LlamaIndex


def response(text: str, delta: str | None = None) -> ChatResponse:
    blocks = [TextBlock(text=text)]
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks), delta=delta)


@functools.cache
def premade(prompt: str) -> tuple[ChatResponse, ...]:
    """Chunks that share one message: as many copies of the growing text would fill the memory."""
    message = response("").message
    return tuple(ChatResponse(message=message, delta=word) for word in words_of(prompt))


def words_of(prompt: str) -> list[str]:
    kind, _, count = prompt.partition("-")
    if kind == "paced":
        raise NotImplementedError
    return answers.words_of(int(count))


def chunks(prompt: str) -> Iterator[ChatResponse]:
    text = ""
    for word in words_of(prompt):
        text += word
        yield response(text, word)


class Alone(CustomLLM):
    is_premade: bool = True

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return response(answers.TEXT)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        await asyncio.sleep(0)
        return response(answers.TEXT)

    @llm_chat_callback()
    def stream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> Generator[ChatResponse, None, None]:
        prompt = messages[0].content or ""

        def given() -> Generator[ChatResponse, None, None]:
            yield from premade(prompt) if self.is_premade else chunks(prompt)

        return given()

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> AsyncGenerator[ChatResponse, None]:
        prompt = messages[0].content or ""

        async def given() -> AsyncGenerator[ChatResponse, None]:
            for chunk in premade(prompt) if self.is_premade else chunks(prompt):
                yield chunk

        return given()


class Premade(LlamaIndex):
    def made(self) -> LLM:
        return Alone()


class OneByOne(LlamaIndex):
    def made(self) -> LLM:
        return Alone(is_premade=False)
