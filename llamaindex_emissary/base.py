"""The one class that does the work; see `llms` for the three that users name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from llama_index.core.base.llms.generic_utils import messages_to_prompt, prompt_to_messages
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import Field
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection
from typing_extensions import Self

import emissary_transport as transport
from emissary_transport.inquiry import ModelCard
from emissary_transport.nesting import Nested
from emissary_transport.parameters import Asked, asked
from emissary_transport.service import Service
from emissary_transport.signature import with_signature
from llamaindex_emissary.answers import Answer, as_completion, from_reply
from llamaindex_emissary.messages import to_messages
from llamaindex_emissary.service_component import CONNECTION, ServiceComponent
from llamaindex_emissary.structured import StructuringLLM
from llamaindex_emissary.tools import conversation, tool_options, tool_selections, with_one_call

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

Said: TypeAlias = "str | Sequence[ChatMessage]"
"""A prompt or a conversation."""

LIMITS = ("max_tokens", "max_completion_tokens", "max_new_tokens")


class ServiceLLM(ServiceComponent, StructuringLLM):
    """An LLM of one of our services.

    Every field can be given with a call too (`chat(..., temperature=0)`), where it wins over the
    instance's; None there unsets it. The key is in no repr, `to_dict` or event. A pickle holds the
    key and the headers, since worker processes need them, so keep it as you keep those; HTTP
    clients of your own stay behind. Copies share them.
    """

    text_service: ClassVar[Service]
    common: ClassVar[tuple[str, ...]] = (
        *CONNECTION,
        "max_tokens",
        "stop",
        "stream_usage",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
    )

    model: str | None = None
    """What to ask; also `model_name`."""
    temperature: float | None = None
    """Sampling temperature."""
    max_tokens: int | None = None
    """Most tokens to answer with, whatever the service calls that."""
    top_p: float | None = None
    """Nucleus sampling: the probability mass to choose from."""
    stop: list[str] | str | None = None
    """Sequences to stop at. Cut on the client where the service can't."""
    seed: int | None = None
    """For answers that repeat as far as the service can."""
    context_window: int = Field(default=8192, gt=0)
    """Tokens that prompt and answer may have together: set what you know, or see
    `with_metadata_from_service`."""
    is_chat_model: bool = True
    """False for base models without a chat template: the completions endpoint continues a prompt,
    and a conversation is told to it as one."""
    is_function_calling_model: bool = True
    """False keeps agents and programs from giving the model tools."""
    stream_usage: bool = True
    """Ask for token usage in streams."""
    tools: list[dict[str, Any]] | None = None
    """Tools of every call, in the services' own form; agents bring theirs with each call."""
    tool_choice: Any = None
    """Which of them to call: `auto`, `none`, `required`, or a tool's name."""
    parallel_tool_calls: bool | None = None
    """Whether several calls may come in one answer."""
    response_format: dict[str, Any] | None = None
    """`{"type": "json_schema", "json_schema": ...}` or `{"type": "json_object"}`."""

    # --- what is asked for ---

    def _text_service_of(self, given: Mapping[str, Any]) -> Service:
        """The service that completes prompts, for models without a chat template."""
        return self.text_service

    def _has_schemas(self, options: Mapping[str, Any]) -> bool:
        return True

    def _wire_stream(self, given: Mapping[str, Any]) -> bool:
        """Whether to ask for a stream on the wire, when LlamaIndex wants one."""
        return True

    def _asked(self, said: Said, options: Mapping[str, Any], *, stream: bool) -> Asked:
        """The call that is meant, and whom to put it to.

        Raises:
            ValueError: It can't be meant; nothing was sent.
        """
        given = self._given(options)
        on_wire = stream and self._wire_stream(given)
        given.pop("streaming", None)
        service_of = self._service_of
        if self.is_chat_model:
            messages = prompt_to_messages(said) if isinstance(said, str) else said
            turns = to_messages(service_of(given), messages)
            return asked(service_of, given, turns, stream=on_wire, settings_of=self._settings_of)
        if not isinstance(said, str):
            said = (self.messages_to_prompt or messages_to_prompt)(said)
        service_of = self._text_service_of
        return asked(service_of, given, said, stream=on_wire, settings_of=self._settings_of)

    # --- chat ---

    @with_signature
    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        return self._chat(messages, **kwargs)

    @with_signature
    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation."""
        return await self._achat(messages, **kwargs)

    @with_signature
    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece; leaving early ends the request at once."""
        return self._stream_chat(messages, **kwargs)

    @with_signature
    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece; leaving early ends the request at once."""
        return await self._astream_chat(messages, **kwargs)

    def _chat(self, said: Said, **kwargs: Any) -> ChatResponse:
        what = self._asked(said, kwargs, stream=False)
        return from_reply(self._client(what).chat(what.call))

    async def _achat(self, said: Said, **kwargs: Any) -> ChatResponse:
        what = self._asked(said, kwargs, stream=False)
        return from_reply(await self._async_client(what).chat(what.call))

    def _stream_chat(self, said: Said, **kwargs: Any) -> ChatResponseGen:
        what = self._asked(said, kwargs, stream=True)
        return self._client(what).stream(what.call, Answer().with_delta)

    async def _astream_chat(self, said: Said, **kwargs: Any) -> ChatResponseAsyncGen:
        what = self._asked(said, kwargs, stream=True)
        return self._async_client(what).stream(what.call, Answer().with_delta)

    # --- completion ---

    @with_signature
    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt, or continue it if this is no chat model."""
        return as_completion(self._chat(self._prompt(prompt, formatted), **kwargs))

    @with_signature
    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answer a prompt, or continue it if this is no chat model."""
        return as_completion(await self._achat(self._prompt(prompt, formatted), **kwargs))

    @with_signature
    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answer a prompt piece by piece; leaving early ends the request at once."""
        chunks = self._stream_chat(self._prompt(prompt, formatted), **kwargs)

        def completions() -> CompletionResponseGen:
            with closing(chunks):
                for chunk in chunks:
                    yield as_completion(chunk)

        return completions()

    @with_signature
    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answer a prompt piece by piece; leaving early ends the request at once."""
        chunks = await self._astream_chat(self._prompt(prompt, formatted), **kwargs)

        async def completions() -> CompletionResponseAsyncGen:
            async with Nested(chunks) as each:
                async for chunk in each:
                    yield as_completion(chunk)

        return completions()

    def _prompt(self, prompt: str, formatted: bool) -> str:
        if not isinstance(prompt, str):
            raise ValueError(f"A prompt must be one string, not {type(prompt).__name__}.")
        if formatted or self.completion_to_prompt is None:
            return prompt
        return self.completion_to_prompt(prompt)

    # --- tools ---

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """What to chat with; `tool_choice` is a tool's name, or `auto`, `none` or `required`."""
        options = tool_options(
            tools, choice=tool_choice, required=tool_required, parallel=allow_parallel_tool_calls
        )
        return {"messages": conversation(chat_history, user_msg), **options, **kwargs}

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        """The response with one call only, unless several are allowed."""
        return response if allow_parallel_tool_calls else with_one_call(response)

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The calls of a response, or of a chunk, whose arguments are as far as they have come.

        Raises:
            ValueError: There is none.
        """
        selections = tool_selections(response)
        if error_on_no_tool_call and not selections:
            raise ValueError(
                f"Expected at least one tool call, but got {len(selections)} tool calls."
            )
        return selections

    # --- what LlamaIndex wants to know ---

    def with_metadata_from_service(self) -> Self:
        """A copy whose `metadata` says what the service tells about the model, asked now.

        Orq tells the context window and whether the model calls tools, Atoma the context window,
        Emissary nothing.

        Raises:
            ServiceError: The service gave no usable answer, or lists no such model.
        """
        return self._told(transport.Client(*self._known()).describe_model(self._label()))

    async def awith_metadata_from_service(self) -> Self:
        """A copy that knows what the service tells; see `with_metadata_from_service`."""
        return self._told(await transport.AsyncClient(*self._known()).describe_model(self._label()))

    def _told(self, card: ModelCard) -> Self:
        told: dict[str, Any] = {}
        if card.context_window is not None:
            told["context_window"] = card.context_window
        if card.abilities is not None:
            told["is_function_calling_model"] = "tool_calling" in card.abilities
        return self.model_copy(update=told)

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex plans with; no request is made for it."""
        limits = [self.__dict__.get(name) for name in LIMITS]
        return LLMMetadata(
            context_window=self.context_window,
            num_output=next(filter(None, limits), -1),
            is_chat_model=self.is_chat_model,
            is_function_calling_model=self.is_chat_model and self.is_function_calling_model,
            model_name=self._label(),
        )

    def to_payload(self) -> dict[str, Any]:
        """What events tell of this model: nothing secret."""
        told = {"model": self._label(), "temperature": self.temperature}
        return {**super().to_payload(), **told}
