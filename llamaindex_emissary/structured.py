"""Structured prediction: by `response_format`, or by a tool that has to be called."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import closing
from typing import Any, cast

import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model, PydanticProgramMode

from emissary_transport.nesting import Nested
from llamaindex_emissary.objects import BySchema, ByTool, Partial, Way

dispatcher = instrument.get_dispatcher(__name__)  # type: ignore[attr-defined]
_DECIDED = ("tool_required", "tool_choice", "allow_parallel_tool_calls")


class StructuringLLM(FunctionCallingLLM):
    """An LLM whose structured predictions keep the system prompt and come out as objects.

    `pydantic_program_mode` decides how: DEFAULT asks by `response_format` where that works and by a
    tool where it does not, FUNCTION by a tool, any other mode as LlamaIndex does it.
    """

    def _has_schemas(self, options: Mapping[str, Any]) -> bool:
        """Whether the model that is asked with these options can be given a `response_format`."""
        raise NotImplementedError

    def _way(self, output_cls: type[Model], options: Mapping[str, Any] | None) -> Way[Model] | None:
        """How to ask for an object, or None for LlamaIndex's own way."""
        metadata, mode = self.metadata, self.pydantic_program_mode
        by_default = mode == PydanticProgramMode.DEFAULT
        if not metadata.is_chat_model:
            return None
        if by_default and self._has_schemas(options or {}):
            return BySchema(output_cls)
        by_tool = by_default or mode == PydanticProgramMode.FUNCTION
        return ByTool(output_cls) if by_tool and metadata.is_function_calling_model else None

    def _question(
        self,
        way: Way[Model],
        prompt: PromptTemplate,
        prompt_args: dict[str, Any],
        options: Mapping[str, Any] | None,
    ) -> tuple[list[ChatMessage], dict[str, Any]]:
        """The messages, with the system prompt, and the options of the chat."""
        messages = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        theirs = {k: v for k, v in (options or {}).items() if k not in _DECIDED}
        return messages, {**theirs, **way.options}

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Answer a prompt with an object.

        Raises:
            ValueError: The answer is no such object.
        """
        way = self._way(output_cls, llm_kwargs)
        if way is None:
            own = super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
            return cast("Model", own)
        _tell_start(output_cls, prompt, prompt_args)
        messages, options = self._question(way, prompt, prompt_args, llm_kwargs)
        result = way.result(self.chat(messages, **options))
        dispatcher.event(LLMStructuredPredictEndEvent(output=result))
        return result

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Answer a prompt with an object; see `structured_predict`."""
        way = self._way(output_cls, llm_kwargs)
        if way is None:
            own = await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
            return cast("Model", own)
        _tell_start(output_cls, prompt, prompt_args)
        messages, options = self._question(way, prompt, prompt_args, llm_kwargs)
        result = way.result(await self.achat(messages, **options))
        dispatcher.event(LLMStructuredPredictEndEvent(output=result))
        return result

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Partial[Model], None, None]:
        way = self._way(output_cls, llm_kwargs)
        if way is None:
            own = super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)
            return cast("Generator[Partial[Model], None, None]", own)
        messages, options = self._question(way, prompt, prompt_args, llm_kwargs)
        return _growing(way, self.stream_chat(messages, **options))

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Partial[Model], None]:
        way = self._way(output_cls, llm_kwargs)
        if way is None:
            own = await super()._structured_astream_call(
                output_cls, prompt, llm_kwargs, **prompt_args
            )
            return cast("AsyncGenerator[Partial[Model], None]", own)
        messages, options = self._question(way, prompt, prompt_args, llm_kwargs)
        return _agrowing(way, await self.astream_chat(messages, **options))


def _growing(
    way: Way[Model], chunks: Generator[ChatResponse, None, None]
) -> Generator[Partial[Model], None, None]:
    """The object as it grows, at last the whole one."""
    last = ChatResponse(message=ChatMessage())
    with closing(chunks):
        for last in chunks:
            shown = way.shown(last)
            if shown is not None:
                yield shown
    yield way.result(last)


async def _agrowing(
    way: Way[Model], chunks: AsyncGenerator[ChatResponse, None]
) -> AsyncGenerator[Partial[Model], None]:
    """The object as it grows; see `_growing`."""
    last = ChatResponse(message=ChatMessage())
    async with Nested(chunks) as each:
        async for last in each:
            shown = way.shown(last)
            if shown is not None:
                yield shown
    yield way.result(last)


def _tell_start(
    output_cls: type[Model], prompt: PromptTemplate, prompt_args: dict[str, Any]
) -> None:
    dispatcher.event(
        LLMStructuredPredictStartEvent(
            output_cls=output_cls, template=prompt, template_args=prompt_args
        )
    )
