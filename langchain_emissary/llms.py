"""`EmissaryLLM`, `OrqLLM` and `AtomaLLM`: text completion, with what each service documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from emissary_transport.service import Service
from emissary_transport.services import ATOMA_TEXT, EMISSARY_TEXT, ORQ_TEXT, text_surface
from langchain_emissary.deployed import Deployed
from langchain_emissary.routed import ROUTING, Routed
from langchain_emissary.text_model import ServiceLLM


class EmissaryLLM(ServiceLLM, Deployed):
    """Continue a text with a fine-tuned model deployed on Emissary.

    `EmissaryLLM(project_id=..., deployment_id=...)` speaks the deployment API (from
    `EMISSARY_PROJECT_ID` and `EMISSARY_DEPLOYMENT_ID` if no model is given),
    `EmissaryLLM(model=...)` the current one. The prompt goes in raw, without a chat template.
    Neither streams text completions: `stream()` gives the whole answer in one piece.

    Example:
        ```python
        from langchain_emissary import EmissaryLLM

        llm = EmissaryLLM(model="support-bot-checkpoint-3")  # key from EMISSARY_API_KEY
        llm.invoke("The river that flows through Prague is")
        ```
    """

    service: ClassVar[Service] = EMISSARY_TEXT
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
    """`max_tokens` by the name of the current API."""

    def _service_of(self, given: Mapping[str, Any]) -> Service:
        return text_surface(given)


class OrqLLM(ServiceLLM, Routed):
    """Continue a text with any provider's model through Orq's router.

    Without `max_tokens` Orq answers with 16 tokens. A `cache` or `timeout` that is a dict is
    Orq's (also `router_cache`, `router_timeout`).

    Example:
        ```python
        from langchain_emissary import OrqLLM

        llm = OrqLLM(model="openai/gpt-3.5-turbo-instruct", max_tokens=256)  # key: ORQ_API_KEY
        llm.invoke("The river that flows through Prague is")
        ```
    """

    service: ClassVar[Service] = ORQ_TEXT
    documented: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "seed",
        "n",
        "echo",
        "frequency_penalty",
        "presence_penalty",
        "user",
        "thinking",
        "plugins",
        *ROUTING,
    )

    model: str
    """`provider/model`; also `model_name`."""
    n: int | None = None
    """How many continuations to give."""
    echo: bool | None = None
    """Give the prompt back before its continuation."""
    frequency_penalty: float | None = None
    """From -2 to 2: less likely the more often a token was used."""
    presence_penalty: float | None = None
    """From -2 to 2: less likely if a token was used at all."""
    user: str | None = None
    """An id for your user."""
    thinking: dict[str, Any] | None = None
    """`{"type": "enabled", "budget_tokens": ...}`, or `disabled` or `adaptive`."""
    plugins: list[dict[str, Any]] | None = None
    """`[{"id": ...}]`."""


class AtomaLLM(ServiceLLM):
    """Continue a text with a model on Atoma's decentralised network.

    Without an output limit Atoma reserves, and asks a balance for, 8192 tokens: set `max_tokens`.

    Example:
        ```python
        from langchain_emissary import AtomaLLM

        llm = AtomaLLM(model="meta-llama/Llama-3.3-70B-Instruct", max_tokens=64)
        llm.invoke("The river that flows through Prague is")  # key from ATOMA_API_KEY
        ```
    """

    service: ClassVar[Service] = ATOMA_TEXT
    documented: ClassVar[tuple[str, ...]] = (
        "temperature",
        "top_p",
        "seed",
        "n",
        "best_of",
        "echo",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "stream_options",
        "suffix",
        "user",
    )

    model: str
    """`org/name`, as on Hugging Face; also `model_name`."""
    n: int | None = None
    """How many continuations to give."""
    best_of: int | None = None
    """Make so many and give the best `n`."""
    echo: bool | None = None
    """Give the prompt back before its continuation."""
    frequency_penalty: float | None = None
    """From -2 to 2: less likely the more often a token was used."""
    presence_penalty: float | None = None
    """From -2 to 2: less likely if a token was used at all."""
    logit_bias: dict[str, float] | None = None
    """From token id to a bias from -100 to 100."""
    logprobs: int | None = None
    """From 0 to 20: tell the log probabilities of the tokens and so many alternatives."""
    stream_options: dict[str, Any] | None = None
    """`{"include_usage": bool}`; Atoma tells usage in streams in any case."""
    suffix: str | None = None
    """What comes after the continuation."""
    user: str | None = None
    """An id for your user."""
