"""Atoma: a decentralised network of nodes behind an OpenAI-like proxy.

The proxy forwards what it does not know to the node's engine; it never sends `[DONE]`, and it uses
statuses in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from emissary_transport import errors
from emissary_transport.catalogue import Listing, whole
from emissary_transport.embedding import EmbeddingService
from emissary_transport.errors import ServiceError
from emissary_transport.fields import ANY, ARRAY, BOOLEAN, INTEGER, NUMBER, OBJECT, STRING
from emissary_transport.inquiry import ModelCard
from emissary_transport.service import ALL_TOOL_CHOICES, Service, common_message
from emissary_transport.types import Json, Message


def atoma_message(message: Message) -> Json:
    """The common message; content is never absent or null, which the proxy refuses.

    A part's `cache_control` means something to other providers only.
    """
    body = {"content": ""} | common_message(message)
    if message.role == "developer":  # the server takes it, the documents do not know it
        body["role"] = "system"
    if isinstance(body["content"], list):
        for part in body["content"]:
            part.pop("cache_control", None)
    return body


_BY_MESSAGE: Mapping[str, type[ServiceError]] = {
    "Please retry": errors.RateLimited,  # the race for a stack is over in a moment
    "Model not supported": errors.NotFound,
    "No node found for model": errors.NotFound,
}


def atoma_error_class(status: int, code: str | None, message: str) -> type[ServiceError] | None:
    """What a status means here: a low balance is a 400, the engine's refusal is a 500."""
    if code == "FIAT_PAYMENTS_ONLY":
        return errors.PaymentRequired
    if status == 500 and message.strip() == "Bad Request":
        return errors.InvalidRequest
    if status == 400:
        return next((cls for words, cls in _BY_MESSAGE.items() if words in message), None)
    return None


PARTS = frozenset({"text", "image_url"})

ATOMA = Service(
    name="atoma",
    title="Atoma",
    base_url="https://api.atoma.network",
    key_env=("ATOMA_API_KEY", "ATOMASDK_BEARER_AUTH"),
    base_url_env="ATOMA_BASE_URL",
    prefix="/v1",
    fields={
        "frequency_penalty": NUMBER.within(-2, 2),
        "presence_penalty": NUMBER.within(-2, 2),
        "temperature": NUMBER.within(0, 2),
        "top_p": NUMBER,
        "max_completion_tokens": INTEGER,
        "max_tokens": INTEGER,
        "n": INTEGER,
        "seed": INTEGER,
        "stream_options": OBJECT,
        "functions": ARRAY,
        "function_call": ANY,
        "logit_bias": OBJECT,
        "logprobs": BOOLEAN,  # in no document, yet `top_logprobs` means nothing without it
        "top_logprobs": INTEGER.within(0, 20),
        "service_tier": STRING,
        "user": STRING,
    },
    max_tokens="max_completion_tokens",
    stream_usage=True,
    stop=4,
    tool_choices=ALL_TOOL_CHOICES - {"required"},
    parts=dict.fromkeys(("system", "developer", "user", "assistant", "tool"), PARTS),
    message=atoma_message,
    error_class=atoma_error_class,
)

ATOMA_TEXT = replace(
    ATOMA,
    title="Atoma's completions",
    path="/completions",
    takes="prompt",
    fields={
        "best_of": INTEGER,
        "echo": BOOLEAN,
        "frequency_penalty": NUMBER.within(-2, 2),
        "presence_penalty": NUMBER.within(-2, 2),
        "logit_bias": OBJECT,
        "logprobs": INTEGER.within(0, 20),
        "max_tokens": INTEGER,
        "n": INTEGER,
        "seed": INTEGER,
        "stream_options": OBJECT,
        "suffix": STRING,
        "temperature": NUMBER.within(0, 2),
        "top_p": NUMBER,
        "user": STRING,
    },
    max_tokens="max_tokens",
    max_tokens_fields=frozenset({"max_tokens"}),
)
"""Text completion by the engine of a node."""

ATOMA_EMBEDDING = EmbeddingService(
    service=replace(
        ATOMA,
        title="Atoma's embeddings",
        path="/embeddings",
        fields={
            "dimensions": INTEGER.within(1),
            "encoding_format": STRING,
            "user": STRING,
        },
    ),
    texts=1,
    most=1,
    said=lambda texts: {"input": texts[0]},
)
"""The proxy answers a list of texts with 400, whatever its document says."""


def atoma_card(entry: Json) -> ModelCard:
    """A model as the open list describes it; the other list has its id only."""
    return ModelCard(
        str(entry["id"]),
        context_window=whole(entry.get("context_length")),
        max_output_tokens=whole(entry.get("max_completion_tokens")),
        raw=entry,
    )


ATOMA_LISTINGS = {
    "models": Listing(path="/v1/models", card=atoma_card),
    "open_router": Listing(
        path="/v1/open_router/models", card=atoma_card, has_key=False, tells=True
    ),
}
"""The models one may ask for, and the operator's own list, which is open to all."""
