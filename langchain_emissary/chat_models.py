"""`ChatEmissary`, `ChatOrq` and `ChatAtoma`: what each service documents, as fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from langchain_core.messages import AIMessage
from pydantic import model_validator

from emissary_transport.service import Service
from emissary_transport.services import ATOMA, EMISSARY, ORQ, surface
from langchain_emissary.base import ServiceChat
from langchain_emissary.deployed import Deployed
from langchain_emissary.routed import ROUTING, Routed


class ChatEmissary(ServiceChat, Deployed):
    """Chat with a fine-tuned model deployed on Emissary.

    `ChatEmissary(project_id=..., deployment_id=...)` speaks the deployment API (from
    `EMISSARY_PROJECT_ID` and `EMISSARY_DEPLOYMENT_ID` if no model is given),
    `ChatEmissary(model=...)` the current one. Neither has tools or a response format on the wire:
    the model is told of them in the prompt, and what it answers is read back.

    The deployment API is not streamed unless `streaming=True`, since no source says how it
    streams; `stream()` then gives the whole answer in one chunk.

    Example:
        ```python
        from langchain_emissary import ChatEmissary

        model = ChatEmissary(model="support-bot-checkpoint-3")  # key from EMISSARY_API_KEY
        for chunk in model.stream("Which river flows through Prague?"):
            print(chunk.text, end="")
        ```
    """

    service: ClassVar[Service] = EMISSARY
    documented: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "max_new_tokens",
        "max_completion_tokens",
        "no_repeat_ngram_size",
        "do_sample",
        "project_id",
        "deployment_id",
        "tool_calling",
        "stream_mode",
    )

    top_k: int | None = None
    """Sample from the k likeliest tokens."""
    no_repeat_ngram_size: int | None = None
    """Never repeat n-grams of this size (deployment API)."""
    do_sample: bool | None = None
    """Sample; False is greedy (deployment API)."""
    max_new_tokens: int | None = None
    """`max_tokens` by the name of the deployment API."""
    max_completion_tokens: int | None = None
    """`max_tokens` by the name that Emissary's console uses for the current API."""
    tool_calling: Literal["prompted", "native"] = "prompted"
    """Tools by prompt, or, on the current API, OpenAI-like if your deployment knows them."""
    stream_mode: Literal["auto", "delta", "cumulative"] = "auto"
    """How `{response}` events of a stream are meant: as increments, or as all the text so far."""

    def _service_of(self, given: Mapping[str, Any]) -> Service:
        return surface(given)

    def _wire_stream(self, given: Mapping[str, Any]) -> bool:
        return not given.get("deployment_id") or bool(given.get("streaming", self.streaming))


class ChatOrq(ServiceChat, Routed):
    """Chat with any provider's model through Orq's router.

    Example:
        ```python
        from langchain_emissary import ChatOrq

        model = ChatOrq(model="openai/gpt-4o")  # key from ORQ_API_KEY
        model.invoke("Which river flows through Prague?")
        ```

    A few of Orq's fields have names that LangChain uses as well: a `cache` or `timeout` that is a
    dict is Orq's (also `router_cache`, `router_timeout`), `name` is the run's name here and the
    trace's there, and `metadata` goes to both, to Orq as text. With a call, `metadata` is Orq's
    (also `router_metadata`), and `config={"metadata": ...}` LangChain's.
    """

    service: ClassVar[Service] = ORQ
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
    )

    model: str
    """`provider/model`; also `model_name`."""
    top_k: float | None = None
    """Sample from the k likeliest tokens."""
    n: int | None = None
    """How many answers to give."""
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
    """Orq's `metadata`, which is text only; `metadata` as text if not given."""

    @model_validator(mode="before")
    @classmethod
    def _take_metadata(cls, values: Any) -> Any:
        """Give Orq, which takes text only, LangChain's `metadata` too."""
        told = values.get("metadata") if isinstance(values, dict) else None
        if not told or "router_metadata" in values:
            return values
        as_text = {
            str(name): value if isinstance(value, str) else json.dumps(value, default=str)
            for name, value in told.items()
            if name != "lc_versions"
        }
        return {**values, "router_metadata": as_text}

    def invoke(self, *args: Any, **kwargs: Any) -> AIMessage:
        """Answer, as every chat model does; `metadata` is Orq's."""
        return super().invoke(*args, **_told_apart(kwargs))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> AIMessage:
        """Answer, as every chat model does; `metadata` is Orq's."""
        return await super().ainvoke(*args, **_told_apart(kwargs))


def _told_apart(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with Orq's `metadata` by the name that LangChain has no meaning for."""
    return {("router_metadata" if name == "metadata" else name): options[name] for name in options}


class ChatAtoma(ServiceChat):
    """Chat with a model on Atoma's decentralised network.

    Without an output limit Atoma reserves, and asks a balance for, 8192 tokens: set `max_tokens`.
    Answers carry `signature` and `response_hash` in `response_metadata`.

    Example:
        ```python
        from langchain_emissary import ChatAtoma

        model = ChatAtoma(model="meta-llama/Llama-3.3-70B-Instruct", max_tokens=512)
        model.invoke("Which river flows through Prague?")  # key from ATOMA_API_KEY
        ```
    """

    service: ClassVar[Service] = ATOMA
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
    )

    model: str
    """`org/name`, as on Hugging Face; also `model_name`."""
    n: int | None = None
    """How many answers to give."""
    max_completion_tokens: int | None = None
    """`max_tokens` by Atoma's own name."""
    frequency_penalty: float | None = None
    """From -2 to 2: less likely the more often a token was used."""
    presence_penalty: float | None = None
    """From -2 to 2: less likely if a token was used at all."""
    logit_bias: dict[str, float] | None = None
    """From token id to a bias from -100 to 100."""
    logprobs: bool | None = None
    """Tell the tokens' log probabilities."""
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
