"""`Emissary`, `Orq` and `Atoma`: what each service documents, as fields."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from llama_index.core.bridge.pydantic import Field, model_validator
from typing_extensions import Self

from emissary_transport.service import Service
from emissary_transport.services import (
    ATOMA,
    ATOMA_TEXT,
    EMISSARY,
    EMISSARY_TEXT,
    ORQ,
    ORQ_TEXT,
    surface,
    text_surface,
)
from llamaindex_emissary.base import ServiceLLM
from llamaindex_emissary.routed import ROUTING, Routed


class Emissary(ServiceLLM):
    """A fine-tuned model deployed on Emissary.

    `Emissary(project_id=..., deployment_id=...)` speaks the deployment API (from
    `EMISSARY_PROJECT_ID` and `EMISSARY_DEPLOYMENT_ID` if no model is given), `Emissary(model=...)`
    the current one. Neither has tools or a response format on the wire: the model is told of them
    in the prompt, and what it answers is read back.

    The deployment API is not streamed unless `streaming=True`, since no source says how it streams;
    `stream_chat` then gives the whole answer in one chunk.

    Example:
        ```python
        from llamaindex_emissary import Emissary

        llm = Emissary(model="support-bot-checkpoint-3")  # key from EMISSARY_API_KEY
        for chunk in llm.stream_complete("Which river flows through Prague?"):
            print(chunk.delta, end="")
        ```
    """

    service: ClassVar[Service] = EMISSARY
    text_service: ClassVar[Service] = EMISSARY_TEXT
    documented: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "seed",
        "top_k",
        "no_repeat_ngram_size",
        "do_sample",
        "max_new_tokens",
        "max_completion_tokens",
        "project_id",
        "deployment_id",
        "tool_calling",
        "stream_mode",
        "streaming",
    )

    project_id: str | None = None
    """The project of the deployment."""
    deployment_id: str | None = None
    """The deployment to ask by the deployment API."""
    streaming: bool | None = None
    """Ask the deployment API for streams on the wire."""
    top_k: int | None = None
    """Sample from the k likeliest tokens."""
    no_repeat_ngram_size: int | None = None
    """Never repeat n tokens in a row (deployment API)."""
    do_sample: bool | None = None
    """False answers greedily (deployment API)."""
    max_new_tokens: int | None = None
    """`max_tokens` by the deployment API's own name."""
    max_completion_tokens: int | None = None
    """`max_tokens` by the name that Emissary's console uses for the current API."""
    tool_calling: Literal["prompted", "native"] = "prompted"
    """Tools by prompt, or, on the current API, OpenAI-like if your deployment knows them."""
    stream_mode: Literal["auto", "delta", "cumulative"] = "auto"
    """How `{response}` events of a stream are meant: as increments, or as all the text so far."""

    @model_validator(mode="after")
    def _find_deployment(self) -> Self:
        if self.model is None:
            self.project_id = self.project_id or os.environ.get("EMISSARY_PROJECT_ID")
            self.deployment_id = self.deployment_id or os.environ.get("EMISSARY_DEPLOYMENT_ID")
        return self

    def _service_of(self, given: Mapping[str, Any]) -> Service:
        return surface(given)

    def _text_service_of(self, given: Mapping[str, Any]) -> Service:
        return text_surface(given)

    def _wire_stream(self, given: Mapping[str, Any]) -> bool:
        return not given.get("deployment_id") or bool(given.get("streaming"))

    def _has_schemas(self, options: Mapping[str, Any]) -> bool:
        return bool(options.get("tool_calling", self.tool_calling) == "prompted")

    def _label(self) -> str:
        return self.model or self.deployment_id or ""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "Emissary"


class Orq(ServiceLLM, Routed):
    """Any provider's model through Orq's router.

    Example:
        ```python
        from llamaindex_emissary import Orq

        llm = Orq(model="openai/gpt-4o")  # key from ORQ_API_KEY
        llm.complete("Which river flows through Prague?")
        ```

    A `timeout` that is a dict is Orq's own (also `router_timeout`). Orq's `metadata` is given as
    `metadata=...` and read as `router_metadata`, since an LLM's `metadata` is its description.
    """

    service: ClassVar[Service] = ORQ
    text_service: ClassVar[Service] = ORQ_TEXT
    documented: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "n",
        "max_completion_tokens",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "stream_options",
        "reasoning_effort",
        "thinking",
        "verbosity",
        "prompt_cache_key",
        "modalities",
        "audio",
        "guardrails",
        "plugins",
        "variables",
        "cache_control",
        "router_metadata",
        *ROUTING,
        "echo",
        "user",
    )

    model: str
    """`provider/model`; also `model_name`."""
    context_window: int = Field(default=128_000, gt=0)
    """Tokens that prompt and answer may have together."""
    top_k: float | None = None
    """Sample from the k likeliest tokens."""
    n: int | None = None
    """How many answers to give; the first one is read."""
    max_completion_tokens: int | None = None
    """`max_tokens` by its newer name, which some providers insist on."""
    frequency_penalty: float | None = None
    """From -2 to 2: less likely the more often a token was used."""
    presence_penalty: float | None = None
    """From -2 to 2: less likely if a token was used at all."""
    logprobs: bool | None = None
    """Tell the tokens' log probabilities."""
    top_logprobs: int | None = None
    """From 0 to 20: tell those of so many alternatives too."""
    stream_options: dict[str, Any] | None = None
    """`{"include_usage": bool}`; over `stream_usage`."""
    reasoning_effort: str | None = None
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`."""
    thinking: dict[str, Any] | None = None
    """`{"type": "enabled", "budget_tokens": ...}`, or `disabled` or `adaptive`."""
    verbosity: str | None = None
    """How much to say."""
    prompt_cache_key: str | None = None
    """What requests that share a cached prompt have in common."""
    modalities: list[str] | None = None
    """What to answer in: `text`, `audio`."""
    audio: dict[str, Any] | None = None
    """`{"voice": ..., "format": ...}` for answers in audio."""
    guardrails: list[dict[str, Any]] | None = None
    """`[{"id": ..., "execute_on": "input"}]`."""
    plugins: list[dict[str, Any]] | None = None
    """`[{"id": ...}]`."""
    variables: dict[str, Any] | None = None
    """Values for a prompt's placeholders."""
    cache_control: dict[str, Any] | None = None
    """`{"type": "ephemeral", "ttl": "5m"}`."""
    router_metadata: dict[str, str] | None = None
    """Orq's `metadata`."""
    echo: bool | None = None
    """Give the prompt back before its continuation (`is_chat_model=False`)."""
    user: str | None = None
    """An id for your user (`is_chat_model=False`)."""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "Orq"


class Atoma(ServiceLLM):
    """A model on Atoma's decentralised network.

    Without an output limit Atoma reserves, and asks a balance for, 8192 tokens: set `max_tokens`.

    Example:
        ```python
        from llamaindex_emissary import Atoma

        llm = Atoma(model="meta-llama/Llama-3.3-70B-Instruct", max_tokens=512)
        llm.complete("Which river flows through Prague?")  # key from ATOMA_API_KEY
        ```
    """

    service: ClassVar[Service] = ATOMA
    text_service: ClassVar[Service] = ATOMA_TEXT
    documented: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "seed",
        "n",
        "max_completion_tokens",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "stream_options",
        "service_tier",
        "user",
        "functions",
        "function_call",
        "best_of",
        "echo",
        "suffix",
    )

    model: str
    """`org/name`, as on Hugging Face; also `model_name`."""
    context_window: int = Field(default=32_768, gt=0)
    """Tokens that prompt and answer may have together."""
    n: int | None = None
    """How many answers to give; the first one is read."""
    max_completion_tokens: int | None = None
    """`max_tokens` by Atoma's own name."""
    frequency_penalty: float | None = None
    """From -2 to 2: less likely the more often a token was used."""
    presence_penalty: float | None = None
    """From -2 to 2: less likely if a token was used at all."""
    logit_bias: dict[str, float] | None = None
    """From token id to a bias from -100 to 100."""
    logprobs: bool | int | None = None
    """Tell the tokens' log probabilities; with `is_chat_model=False` also those of so many
    alternatives, from 0 to 20."""
    top_logprobs: int | None = None
    """From 0 to 20: tell those of so many alternatives too; needs `logprobs=True`."""
    stream_options: dict[str, Any] | None = None
    """`{"include_usage": bool}`; Atoma tells usage in streams in any case."""
    service_tier: str | None = None
    """`auto` or `default`."""
    user: str | None = None
    """An id for your user."""
    functions: list[Any] | None = None
    """Deprecated by Atoma; use tools."""
    function_call: Any = None
    """Deprecated by Atoma; use `tool_choice`."""
    best_of: int | None = None
    """Make so many and give the best (`is_chat_model=False`)."""
    echo: bool | None = None
    """Give the prompt back before its continuation (`is_chat_model=False`)."""
    suffix: str | None = None
    """What comes after the continuation (`is_chat_model=False`)."""

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "Atoma"
