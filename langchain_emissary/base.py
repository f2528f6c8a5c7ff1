"""The one class that does the work; see `chat_models` for the three that users name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, model_validator
from typing_extensions import Self

import emissary_transport as transport
from emissary_transport.nesting import Nested
from emissary_transport.parameters import Asked, asked, tool_choice_of
from emissary_transport.signature import Inspected, inspected
from emissary_transport.types import Named
from langchain_emissary.errors import langchain_errors
from langchain_emissary.language_model import ServiceLanguageModel
from langchain_emissary.messages import from_delta, from_reply, to_messages
from langchain_emissary.profiles import profile_of
from langchain_emissary.service_model import UNTRACED
from langchain_emissary.structured import (
    Method,
    Schema,
    ToolLike,
    as_response_format,
    structured_binding,
    structured_parser,
    with_raw,
)


class ServiceChat(ServiceLanguageModel, BaseChatModel):
    """A chat model of one of our services.

    Every field can be given with a call too (`invoke(..., temperature=0)`, `bind(...)`), where it
    wins over the instance's; None there unsets it.
    """

    model_config = ConfigDict(ignored_types=(Inspected,))

    kind: ClassVar[Literal["chat", "llm"]] = "chat"
    common: ClassVar[tuple[str, ...]] = (
        *ServiceLanguageModel.common,
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
    )

    tools: list[dict[str, Any]] | None = None
    """Tools of every call, in the services' own form; `bind_tools` takes any form."""
    tool_choice: Any = None
    """Which of them to call; see `bind_tools`."""
    parallel_tool_calls: bool | None = None
    """Whether several calls may come in one answer."""
    response_format: Any = None
    """What text answers are held to: a response format, or a class for one."""

    @model_validator(mode="after")
    def _add_emissary_integrations_version(self) -> Self:
        self._add_version("emissary-integrations", transport.__version__)
        return self

    # --- what is asked for ---

    def _wire_stream(self, given: Mapping[str, Any]) -> bool:
        """Whether to ask for a stream on the wire, when LangChain wants one."""
        return True

    def _asked(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        options: Mapping[str, Any],
        *,
        stream: bool,
    ) -> Asked:
        given = self._given(options if stop is None else {**options, "stop": stop})
        if isinstance(given.get("response_format"), type):
            given["response_format"] = as_response_format(given["response_format"])
        wants_stream = stream and self._wire_stream({**given, **options})
        if stream and given.get("n") not in {None, 1}:
            raise ValueError("n > 1 can't be streamed: use invoke or generate, or n=1.")
        return asked(
            self._service_of,
            given,
            to_messages(messages, self.service.name),
            stream=wants_stream,
            settings_of=self._settings_of,
        )

    # --- the four ways to an answer ---

    @inspected
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        what = self._asked(messages, stop, kwargs, stream=False)
        with langchain_errors():
            reply = self._client(what).chat(what.call)
        return from_reply(reply, self.service.name, self._label(kwargs))

    @inspected
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        what = self._asked(messages, stop, kwargs, stream=False)
        with langchain_errors():
            reply = await self._async_client(what).chat(what.call)
        return from_reply(reply, self.service.name, self._label(kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        what = self._asked(messages, stop, kwargs, stream=True)
        provider, label = self.service.name, self._label(kwargs)
        with langchain_errors(), closing(self._client(what).stream(what.call)) as deltas:
            for delta in deltas:
                if delta.index:  # another choice, which nobody could tell apart here
                    continue
                chunk = from_delta(delta, provider, label)
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        yield self._last_chunk()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        what = self._asked(messages, stop, kwargs, stream=True)
        provider, label = self.service.name, self._label(kwargs)
        with langchain_errors():
            async with Nested(self._async_client(what).stream(what.call)) as deltas:
                async for delta in deltas:
                    if delta.index:
                        continue
                    chunk = from_delta(delta, provider, label)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        yield self._last_chunk()

    def _last_chunk(self) -> ChatGenerationChunk:
        """What tells LangChain that tool calls are whole now."""
        metadata = {"model_provider": self.service.name}
        message = AIMessageChunk(content="", response_metadata=metadata, chunk_position="last")
        return ChatGenerationChunk(message=message)

    # --- tools and structured output ---

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: dict[str, Any] | str | bool | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Schema | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Let the model call tools.

        Args:
            tools: Tools, functions, Pydantic classes, TypedDicts or JSON Schemas with a title.
            tool_choice: `"auto"`, `"none"`, `"any"` or `"required"` or True, a tool's name, or
                `{"type": "function", "function": {"name": ...}}`.
            strict: Hold the arguments to the schema, where the service can.
            parallel_tool_calls: Whether several calls may come in one answer.
            response_format: A schema or response format that text answers are held to.
            **kwargs: Anything else to bind.

        Raises:
            ValueError: The choice is none, or names none of the tools.
        """
        formatted = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        choice = tool_choice_of(tool_choice)
        names = [tool.get("function", {}).get("name") for tool in formatted]
        if isinstance(choice, Named) and choice.name not in names:
            raise ValueError(f"tool_choice {choice.name!r} is none of the tools: {names}.")
        if choice == "required" and not names:
            raise ValueError("tool_choice asks for a tool call, but there are no tools.")
        if formatted:
            kwargs["tools"] = formatted
        if choice is not None and formatted:
            kwargs["tool_choice"] = (
                {"type": "function", "function": {"name": choice.name}}
                if isinstance(choice, Named)
                else choice
            )
        if parallel_tool_calls is not None:
            kwargs["parallel_tool_calls"] = parallel_tool_calls
        if response_format is not None:
            kwargs["response_format"] = as_response_format(response_format, strict)
        return self.bind(**kwargs)

    def with_structured_output(
        self,
        schema: Schema | None = None,
        *,
        method: Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Let the model answer in the shape of a schema.

        Args:
            schema: A Pydantic class (v1 or v2; objects come back), TypedDict or JSON Schema with a
                title (dicts come back). Without one, `json_mode` gives any JSON object.
            method: `function_calling` forces a tool call, `json_schema` uses the service's
                response format, `json_mode` asks for JSON and needs a prompt that says which.
            include_raw: Give `{"raw", "parsed", "parsing_error"}` rather than raise.
            strict: Hold the answer to the schema exactly, where the service can.
            **kwargs: Anything else to bind.

        Raises:
            ValueError: The method is none, lacks its schema, or does not know `strict`.

        Example:
            ```python
            class River(BaseModel):
                name: str


            model.with_structured_output(River).invoke("Which river flows through Prague?")
            ```
        """
        model = self.bind(**structured_binding(schema, method, strict), **kwargs)
        parser = structured_parser(schema, method)
        return with_raw(model, parser) if include_raw else model | parser

    # --- what LangChain wants to know ---

    def with_profile_from_service(self) -> Self:
        """A copy whose `profile` says what the service tells about the model, asked now.

        Orq tells context window, modalities and abilities, Atoma context window and output limit,
        Emissary nothing. What this model's `profile` says already stays.

        Raises:
            ModelError: The service gave no usable answer, or lists no such model.
        """
        with langchain_errors():
            card = transport.Client(*self._known()).describe_model(self._label({}))
        return self._with_profile(profile_of(card))

    async def awith_profile_from_service(self) -> Self:
        """A copy that knows what the service tells; see `with_profile_from_service`."""
        with langchain_errors():
            card = await transport.AsyncClient(*self._known()).describe_model(self._label({}))
        return self._with_profile(profile_of(card))

    def _with_profile(self, told: ModelProfile) -> Self:
        return self.model_copy(update={"profile": {**told, **(self.profile or {})}})

    @property
    def _llm_type(self) -> str:
        return f"{self.service.name}-chat"

    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        params = self.asdict()
        params["stop"] = params.get("stop") if stop is None else stop
        params.update((name, kwargs[name]) for name in kwargs if name not in UNTRACED)
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        params = self._get_invocation_params(stop=stop, **kwargs)
        params["output_version"] = self.output_version
        return json.dumps(params, sort_keys=True, default=str)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """About how many tokens messages have, by LangChain's own estimate."""
        formatted = [convert_to_openai_tool(tool) for tool in tools or ()]
        more = self.get_num_tokens(json.dumps(formatted)) if formatted else 0
        return count_tokens_approximately(messages) + more
