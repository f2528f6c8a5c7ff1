"""The one class that does the work; see `chat_models` for the three that users name."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import Self

from emissary_transport import __version__
from emissary_transport.client import AsyncClient, Client
from emissary_transport.parameters import Asked, asked, merged, sorted_out, tool_choice_of
from emissary_transport.pool import Connections
from emissary_transport.service import Service
from emissary_transport.settings import found_base_url, found_key, missing_key
from emissary_transport.types import Named
from langchain_emissary.errors import langchain_errors
from langchain_emissary.messages import from_delta, from_reply, to_messages
from langchain_emissary.structured import (
    Method,
    Schema,
    ToolLike,
    as_response_format,
    structured_binding,
    structured_parser,
    with_raw,
)

RENAMED = {
    "model_name": "model",
    "stop_sequences": "stop",
    "request_timeout": "timeout",
    "stream_usage": "usage",
    "default_headers": "headers",
    "extra_headers": "headers",
    "router_cache": "cache",
}
"""Names that LangChain's users know, and what the transport calls them."""

COMMON = (
    "model",
    "max_tokens",
    "stop",
    "stream_usage",
    "timeout",
    "stall_timeout",
    "max_retries",
    "retry_timeouts",
    "api_key",
    "base_url",
    "default_headers",
    "extra_body",
)
"""Fields that say something about a request to any service."""

NOT_SENT = frozenset({"stream", "streaming", "ls_structured_output_format"})
UNTRACED = frozenset({"api_key", "headers", "default_headers", "extra_headers"})


class ServiceChat(BaseChatModel):
    """A chat model of one of our services.

    Every field can be given with a call too (`invoke(..., temperature=0)`, `bind(...)`), where it
    wins over the instance's; None there unsets it.
    """

    model_config = ConfigDict(
        populate_by_name=True, protected_namespaces=(), hide_input_in_errors=True
    )

    service: ClassVar[Service]
    documented: ClassVar[tuple[str, ...]]
    """Fields for what only some services document."""

    model: str | None = None
    """What to ask; also `model_name`."""
    temperature: float | None = None
    """Sampling temperature."""
    max_tokens: int | None = None
    """Most tokens to answer with, whatever the service calls that."""
    top_p: float | None = None
    """Nucleus sampling: the probability mass to choose from."""
    stop: list[str] | str | None = None
    """Sequences to stop at; also `stop_sequences`. Cut on the client where the service can't."""
    seed: int | None = None
    """For answers that repeat as far as the service can."""
    streaming: bool = False
    """Stream even when invoked; for callbacks that want each token."""
    stream_usage: bool = True
    """Ask for token usage in streams."""
    timeout: Any = None
    """Seconds between bytes, a tuple (connect, read, write, pool), an `httpx.Timeout`, or None for
    10 s to connect and 600 s between bytes; also `request_timeout`."""
    stall_timeout: float | None = None
    """Seconds between two events of an answer, whatever keep-alive comments come; None means the
    read timeout."""
    max_retries: int = 2
    """How many more times to try where nothing came or the service asks to try again."""
    retry_timeouts: bool = False
    """Also send again what was not answered in time, although it may be billed twice."""
    api_key: SecretStr | None = None
    """The key; from the environment if not given."""
    base_url: str | None = None
    """Root of the service, with or without its version part; from the environment if not given."""
    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Further headers of every request; they may hold secrets and are never serialised."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """An `httpx.Client` of your own, for proxies, certificates or limits."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """The same for async calls: an `httpx.AsyncClient`."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body."""
    extra_body: dict[str, Any] | None = None
    """Further fields of the request body, sent as they are over everything else."""

    _connections: Connections | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _accept_other_names(cls, values: Any) -> Any:
        """Take the names that users know, and move fields that are none to `model_kwargs`."""
        if not isinstance(values, dict):
            return values
        names = {
            "model_name": "model",
            "stop_sequences": "stop",
            "request_timeout": "timeout",
            f"{cls.service.name}_api_key": "api_key",
            f"{cls.service.name}_api_base": "base_url",
            f"{cls.service.name}_base_url": "base_url",
        }
        known = {names.get(name, name): value for name, value in values.items()}
        unknown = {name: known.pop(name) for name in [*known] if name not in cls.model_fields}
        if unknown:
            warnings.warn(
                f"{cls.__name__} has no field {', '.join(sorted(map(str, unknown)))}; passed on in "
                "model_kwargs. Give it there, or in extra_body, if it is meant.",
                stacklevel=4,
            )
            known["model_kwargs"] = {**(known.get("model_kwargs") or {}), **unknown}
        return known

    @model_validator(mode="after")
    def _find_key_and_address(self) -> Self:
        if self.api_key is None:
            found = found_key(self.service)
            if found is None:
                raise missing_key(self.service)
            self.api_key = SecretStr(found)
        self.service.key_headers(self.api_key.get_secret_value())
        self.base_url = self.base_url or found_base_url(self.service)
        self.service.root(self.base_url)
        self._get_connections()
        return self

    @model_validator(mode="after")
    def _add_emissary_integrations_version(self) -> Self:
        self._add_version("emissary-integrations", __version__)
        return self

    # --- what is asked for ---

    def _parameters(self) -> dict[str, Any]:
        """The instance's parameters in the transport's words."""
        own = {
            RENAMED.get(name, name): value
            for name in (*COMMON, *self.documented)
            if (value := getattr(self, name)) is not None
        }
        known, unknown = sorted_out(self.model_kwargs)
        own |= known
        if unknown:
            own["extra_body"] = {**unknown, **(self.extra_body or {})}
        return own

    def _service_of(self, given: Mapping[str, Any]) -> Service:
        """The service that the parameters mean."""
        if not given.get("model"):
            raise ValueError(f"{self.service.title} needs a model: pass model=....")
        return self.service

    def _wire_stream(self, given: Mapping[str, Any], stream: bool) -> bool:
        """Whether to ask for a stream on the wire, when LangChain wants one."""
        return stream

    def _asked(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        options: Mapping[str, Any],
        *,
        stream: bool,
    ) -> Asked:
        call = {
            RENAMED.get(name, name): value
            for name, value in options.items()
            if name not in NOT_SENT
        }
        if stop is not None:
            call["stop"] = stop
        given = merged(self._parameters(), call)
        if isinstance(call.get("headers"), Mapping):
            given["headers"] = {**(self.default_headers or {}), **call["headers"]}
        key = given["api_key"]
        given["api_key"] = key.get_secret_value() if isinstance(key, SecretStr) else key
        wants_stream = self._wire_stream({**given, **options}, stream)
        if stream and (given.get("n") or 1) > 1:
            raise ValueError("n > 1 can't be streamed: use invoke or generate, or n=1.")
        return asked(
            self._service_of,
            given,
            to_messages(messages, self.service.name),
            stream=wants_stream,
        )

    def _get_connections(self) -> Connections:
        if self._connections is None:
            self._connections = Connections(self.http_client, self.http_async_client)
        return self._connections

    def _client(self, what: Asked) -> Client:
        return Client(what.service, what.settings, self._get_connections())

    def _async_client(self, what: Asked) -> AsyncClient:
        return AsyncClient(what.service, what.settings, self._get_connections())

    def _label(self, given: Mapping[str, Any]) -> str:
        """What the model is called where the answer does not say."""
        return str(given.get("model") or self.model or "")

    # --- the four ways to an answer ---

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
            async with aclosing(self._async_client(what).stream(what.call)) as deltas:
                async for delta in deltas:
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

    @property
    def model_name(self) -> str | None:
        """What to ask; the same as `model`."""
        return self.model

    @property
    def _llm_type(self) -> str:
        return f"{self.service.name}-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What makes two models answer differently: no key, no headers, no clients."""
        hidden = {"api_key", "headers"}
        told = {name: value for name, value in self._parameters().items() if name not in hidden}
        return {"model_name": self._label({}), **told}

    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        shown = {name: value for name, value in kwargs.items() if name not in UNTRACED}
        return {**self.asdict(), "stop": stop, **shown}

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        params = self._get_invocation_params(stop=stop, **kwargs)
        return json.dumps(params, sort_keys=True, default=str)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = merged(self._parameters(), {RENAMED.get(k, k): v for k, v in kwargs.items()})
        params = LangSmithParams(
            ls_provider=self.service.name,
            ls_model_name=self._label(given),
            ls_model_type="chat",
        )
        if isinstance(given.get("temperature"), (int, float)):
            params["ls_temperature"] = given["temperature"]
        if isinstance(given.get("max_tokens"), int):
            params["ls_max_tokens"] = given["max_tokens"]
        stops = stop or given.get("stop")
        if stops:
            params["ls_stop"] = [stops] if isinstance(stops, str) else list(stops)
        return params

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        combined: dict[str, Any] = {}
        usage: dict[str, int] = {}
        for output in filter(None, llm_outputs):
            for name, count in (output.get("token_usage") or {}).items():
                usage[name] = usage.get(name, 0) + count
            combined |= {name: told for name, told in output.items() if name != "token_usage"}
        return combined | ({"token_usage": usage} if usage else {})

    def get_num_tokens(self, text: str) -> int:
        """About how many tokens a text has: a quarter of its characters, with no download."""
        return -(-len(text) // 4)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """About how many tokens messages have, by LangChain's own estimate."""
        formatted = [convert_to_openai_tool(tool) for tool in tools or ()]
        more = self.get_num_tokens(json.dumps(formatted)) if formatted else 0
        return count_tokens_approximately(messages) + more

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Models can be serialised; secrets are replaced by the name of their variable."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Which fields are secret, and the variable that holds each."""
        return {"api_key": self.service.key_env[0]}

    # --- connections ---

    def close(self) -> None:
        """Close the connections, unless other models use them or the client is your own.

        A later call opens new ones.
        """
        self._get_connections().close()

    async def aclose(self) -> None:
        """Close the running event loop's connections too; see `close`."""
        await self._get_connections().aclose()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for client in (self.http_client, self.http_async_client):
            memo[id(client)] = client  # a client is shared, not copied
        return super().__deepcopy__(memo)
