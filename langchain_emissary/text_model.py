"""The one class that completes text; see `llms` for the three that users name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, ClassVar, Literal

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseLLM, LanguageModelInput
from langchain_core.outputs import Generation, GenerationChunk, LLMResult
from langchain_core.runnables import RunnableConfig
from pydantic import SecretStr, model_validator
from typing_extensions import Self

from emissary_transport import __version__
from emissary_transport.gathering import BOUND, agather, gather, must_be_bound
from emissary_transport.nesting import Nested
from emissary_transport.parameters import Asked, asked
from emissary_transport.service import call_body
from langchain_emissary.completions import from_delta, generations_of, output_of, result_of, whole
from langchain_emissary.errors import langchain_errors
from langchain_emissary.language_model import ServiceLanguageModel
from langchain_emissary.service_model import NOT_SENT, UNTRACED

_OPTIONS: ContextVar[Mapping[str, Any]] = ContextVar("langchain_emissary.options")
"""What the running `generate` was given, which LangChain's cache does not look at by itself."""


class ServiceLLM(ServiceLanguageModel, BaseLLM):
    """A text completion model of one of our services.

    Every field can be given with a call too (`invoke(..., temperature=0)`, `bind(...)`), where it
    wins over the instance's; None there unsets it.
    """

    kind: ClassVar[Literal["chat", "llm"]] = "llm"

    max_concurrency: int = BOUND
    """How many prompts of a batch to have under way at a time; a request holds one prompt."""

    @model_validator(mode="after")
    def _add_emissary_integrations_version(self) -> Self:
        self._add_version("emissary-integrations", __version__)
        must_be_bound(self.max_concurrency)
        return self

    # --- what is asked for ---

    def _asked(
        self, prompt: str, stop: list[str] | None, options: Mapping[str, Any], *, stream: bool
    ) -> Asked:
        given = self._given(options if stop is None else {**options, "stop": stop})
        if stream and (given.get("n") or 1) > 1:
            raise ValueError("n > 1 can't be streamed: use generate, or n=1.")
        return asked(self._service_of, given, prompt, stream=stream, settings_of=self._settings_of)

    def _each_asked(
        self, prompts: list[str], stop: list[str] | None, options: Mapping[str, Any]
    ) -> list[Asked]:
        """One request for each prompt, all of them checked before the first one is sent."""
        if not prompts:
            return []
        what = self._asked(prompts[0], stop, options, stream=False)
        each = [replace(what, call=replace(what.call, prompt=prompt)) for prompt in prompts]
        for one in each:
            call_body(one.service, one.call)
        return each

    def _streams(self, prompts: list[str], options: Mapping[str, Any]) -> bool:
        """Whether to stream although an answer as a whole is asked for, for the callbacks."""
        count = options.get("n", getattr(self, "n", None)) or 1
        return len(prompts) == 1 and count == 1 and bool(options.get("streaming", self.streaming))

    def _result(self, each: list[list[Generation]]) -> LLMResult:
        return result_of(each, self._combine_llm_outputs([output_of(one) for one in each]))

    # --- the four ways to an answer ---

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        if self._streams(prompts, kwargs):
            chunks = self._stream(prompts[0], stop, run_manager, **kwargs)
            return self._result([[whole(list(chunks))]])
        label = self._label(kwargs)

        def ask(what: Asked) -> list[Generation]:
            with langchain_errors():
                return generations_of(self._client(what).chat(what.call), label)

        each = self._each_asked(prompts, stop, kwargs)
        return self._result(gather(ask, each, len(each), self.max_concurrency))

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        if self._streams(prompts, kwargs):
            chunks: Any = self._astream(prompts[0], stop, run_manager, **kwargs)
            async with aclosing(chunks):
                return self._result([[whole([chunk async for chunk in chunks])]])
        label = self._label(kwargs)

        async def ask(what: Asked) -> list[Generation]:
            with langchain_errors():
                return generations_of(await self._async_client(what).chat(what.call), label)

        each = self._each_asked(prompts, stop, kwargs)
        return self._result(await agather(ask, each, len(each), self.max_concurrency))

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        what, label = self._asked(prompt, stop, kwargs, stream=True), self._label(kwargs)
        came = False
        with langchain_errors(), closing(self._client(what).stream(what.call)) as deltas:
            for delta in deltas:
                came, chunk = True, from_delta(delta, label)
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        if not came:
            yield GenerationChunk(text="")

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        what, label = self._asked(prompt, stop, kwargs, stream=True), self._label(kwargs)
        came = False
        with langchain_errors():
            async with Nested(self._async_client(what).stream(what.call)) as deltas:
                async for delta in deltas:
                    came, chunk = True, from_delta(delta, label)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        if not came:
            yield GenerationChunk(text="")

    # --- what LangChain wants to know ---

    @property
    def _llm_type(self) -> str:
        return f"{self.service.name}-llm"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What makes two answers differ: the model's parameters, and those of the running call."""
        options = _OPTIONS.get({})
        told = {name: options[name] for name in options if name not in UNTRACED | NOT_SENT}
        return {**super()._identifying_params, **told}

    def generate(
        self, prompts: list[str], stop: list[str] | None = None, *args: Any, **kwargs: Any
    ) -> LLMResult:
        """Complete each of the prompts, as `BaseLLM.generate` says."""
        with _telling(kwargs):
            return super().generate(prompts, stop, *args, **kwargs)

    async def agenerate(
        self, prompts: list[str], stop: list[str] | None = None, *args: Any, **kwargs: Any
    ) -> LLMResult:
        """Complete each of the prompts, as `BaseLLM.agenerate` says."""
        with _telling(kwargs):
            return await super().agenerate(prompts, stop, *args, **kwargs)

    def stream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[str]:
        """Complete a prompt piece by piece, as `BaseLLM.stream` says."""
        model, options = self._keeping_secrets(kwargs)
        yield from super(ServiceLLM, model).stream(input, config, stop=stop, **options)

    async def astream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[str]:
        """Complete a prompt piece by piece, as `BaseLLM.astream` says."""
        model, options = self._keeping_secrets(kwargs)
        pieces: Any = super(ServiceLLM, model).astream(input, config, stop=stop, **options)
        async with Nested(pieces) as each:
            async for piece in each:
                yield piece

    def _keeping_secrets(self, options: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """A model that has the secrets of a call for its own, since LangChain traces the rest."""
        secrets = {name: options[name] for name in options if name in UNTRACED}
        shown = {name: options[name] for name in options if name not in secrets}
        if not secrets:
            return self, shown
        given = self._given(secrets)
        update = {
            "api_key": SecretStr(given["api_key"]),
            "default_headers": given.get("headers"),
        }
        return self.model_copy(update=update), shown


_NOT_OPTIONS = frozenset({"callbacks", "tags", "metadata", "run_name", "run_id"})


@contextmanager
def _telling(options: Mapping[str, Any]) -> Iterator[None]:
    """Let what identifies the model include the options of this call."""
    told = {name: options[name] for name in options if name not in _NOT_OPTIONS}
    token = _OPTIONS.set(told)
    try:
        yield
    finally:
        _OPTIONS.reset(token)
