"""Orq: a router to many providers with an OpenAI-like API.

The older profile (SDK 0.5) is a subset of the current one's requests, and its streams give tool
calls without `index`; one value serves both. See https://docs.orq.ai/docs/ai-gateway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emissary_transport.catalogue import Listing, names, whole
from emissary_transport.embedding import EmbeddingService
from emissary_transport.fields import (
    ARRAY,
    BOOLEAN,
    COUNT,
    INTEGER,
    NUMBER,
    OBJECT,
    STRING,
)
from emissary_transport.inquiry import ModelCard
from emissary_transport.service import Service, common_content, common_message, common_tool
from emissary_transport.types import Json, Message, Part

TEXT = frozenset({"text"})


def orq_message(message: Message) -> Json:
    """The common message, with what Orq lets an assistant say beside its text."""
    body = common_message(message)
    if message.cache_control and message.role == "tool":
        body["cache_control"] = dict(message.cache_control)
    if message.audio_id:
        body["audio"] = {"id": message.audio_id}
    for call, sent in zip(message.tool_calls, body.get("tool_calls", ()), strict=True):
        if call.thought_signature:
            sent["thought_signature"] = call.thought_signature
    thoughts = _thoughts(message)
    if thoughts:
        body["content"] = common_content((*thoughts, *_parts(message.content)))
    elif message.reasoning and message.reasoning.text:
        body["reasoning_content"] = message.reasoning.text
    return body


def _parts(content: str | tuple[Part, ...]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return ({"type": "text", "text": content},) if content else ()
    return content


def _thoughts(message: Message) -> tuple[Part, ...]:
    """Reasoning as content parts, which the provider needs back word for word if it is signed."""
    thought = message.reasoning
    if message.role != "assistant" or thought is None:
        return ()
    parts: list[Part] = []
    if thought.signature:
        parts.append(
            {"type": "reasoning", "reasoning": thought.text, "signature": thought.signature}
        )
    if thought.redacted:
        parts.append({"type": "redacted_reasoning", "data": thought.redacted})
    return tuple(parts)


def orq_tool(tool: Mapping[str, Any]) -> Json:
    """A tool whose parameters have the `type` and `properties` that Orq requires."""
    body = common_tool(tool)
    function = dict(body["function"])
    given = function.get("parameters") or {}
    function["parameters"] = {"type": "object", "properties": {}} | given
    return body | {"function": function}


ROUTING = {
    "name": STRING,
    "fallbacks": ARRAY,
    "retry": OBJECT,
    "cache": OBJECT,
    "load_balancer": OBJECT,
    "timeout": OBJECT,
    "orq": OBJECT,
}
"""Fields for the router itself, in requests of every kind."""

ORQ = Service(
    name="orq",
    title="Orq",
    base_url="https://api.orq.ai",
    key_env=("ORQ_API_KEY",),
    base_url_env="ORQ_BASE_URL",
    prefix="/v2/router",
    aliases=re.compile(r"/v[23]/(router|proxy|gateway)$"),
    fields={
        "frequency_penalty": NUMBER.within(-2, 2),
        "presence_penalty": NUMBER.within(-2, 2),
        "max_tokens": INTEGER,
        "max_completion_tokens": INTEGER.within(1),
        "temperature": NUMBER.within(0, 2),
        "top_p": NUMBER.within(0, 1),
        "top_k": COUNT,
        "seed": COUNT,
        "n": INTEGER.within(1),
        "logprobs": BOOLEAN,
        "top_logprobs": INTEGER.within(0, 20),
        "stream_options": OBJECT,
        "reasoning_effort": STRING,
        "thinking": OBJECT,
        "verbosity": STRING,
        "prompt_cache_key": STRING,
        "metadata": OBJECT,
        "modalities": ARRAY,
        "audio": OBJECT,
        "guardrails": ARRAY,
        "plugins": ARRAY,
        "variables": OBJECT,
        "cache_control": OBJECT,
        **ROUTING,
    },
    stream_usage=True,
    stop=4,
    parts={
        "system": TEXT,  # the older profile had images here and in results, the current one not
        "developer": TEXT,
        "user": frozenset({"text", "image_url", "input_audio", "file"}),
        "assistant": TEXT | {"refusal", "reasoning", "redacted_reasoning"},
        "tool": TEXT,
    },
    message=orq_message,
    tool=orq_tool,
)

ORQ_TEXT = replace(
    ORQ,
    title="Orq's completions",
    path="/completions",
    takes="prompt",
    fields={
        "echo": BOOLEAN,
        "frequency_penalty": NUMBER,
        "presence_penalty": NUMBER.within(-2, 2),
        "max_tokens": INTEGER,
        "seed": INTEGER,
        "temperature": NUMBER,
        "top_p": NUMBER,
        "n": INTEGER,
        "user": STRING,
        "thinking": OBJECT,
        "plugins": ARRAY,
        **ROUTING,
    },
    max_tokens_fields=frozenset({"max_tokens"}),
    stream_usage=False,
)
"""Text completion; without `max_tokens` the router answers with 16 tokens."""

ORQ_EMBEDDING = EmbeddingService(
    service=replace(
        ORQ,
        title="Orq's embeddings",
        path="/embeddings",
        fields={
            "encoding_format": STRING,
            "dimensions": INTEGER.within(1),
            "user": STRING,
            **ROUTING,
        },
    ),
    texts=96,
)
"""How many texts a request takes is the provider's affair; 96 is the least of those known."""

ORQ_RERANK = replace(
    ORQ,
    title="Orq's reranking",
    path="/rerank",
    fields={
        "top_n": INTEGER.within(1),
        "return_documents": BOOLEAN,
        "filename": STRING,
        "plugins": ARRAY,
        **ROUTING,
    },
)


def orq_card(entry: Json) -> ModelCard:
    """A model as the catalogue describes it, numbers as text; the router's list has its id only."""
    modalities = entry.get("modalities")
    modalities = modalities if isinstance(modalities, Mapping) else {}
    return ModelCard(
        str(entry["id"]),
        context_window=whole(entry.get("context_window")),
        abilities=names(entry.get("features")),
        inputs=names(modalities.get("input")),
        outputs=names(modalities.get("output")),
        raw=entry,
    )


ORQ_LISTINGS = {
    "catalogue": Listing(
        path="/v2/model-catalog",
        card=orq_card,
        page=1000,
        tells=True,
        filters={
            "limit": INTEGER.within(1, 1000),
            "starting_after": STRING,
            "ending_before": STRING,
            "provider": ARRAY,
            "endpoint": ARRAY,
            "input_modality": ARRAY,
            "output_modality": ARRAY,
            "location": ARRAY,
            "feature": ARRAY,
        },
    ),
    "models": Listing(path="/v3/router/models", card=orq_card),
}
"""Everything that Orq knows, and what the router offers to this key."""
