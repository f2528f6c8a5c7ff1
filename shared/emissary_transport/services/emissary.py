"""Emissary: fine-tuned deployments, by deployment-scoped paths and by the current API.

Both surfaces take a key in `X-API-Key`, three roles and plain text. Neither has tools, a response
format or stop sequences; no source says how either streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emissary_transport.catalogue import Listing
from emissary_transport.embedding import EmbeddingService
from emissary_transport.fields import BOOLEAN, INTEGER, NUMBER
from emissary_transport.inquiry import ModelCard
from emissary_transport.service import Service, common_message
from emissary_transport.types import Json, Message

TEXT_ONLY = frozenset({"text"})


def plain_message(message: Message) -> Json:
    """A message as role and text: developer becomes system, a user's name goes into the text."""
    content = message.content
    if not isinstance(content, str):
        content = "\n".join(str(part["text"]) for part in content)
    content = content or message.refusal or ""
    if message.name and message.role == "user":
        content = f"{message.name}: {content}"
    role = "system" if message.role == "developer" else message.role
    return {"role": role, "content": content}


def native_message(message: Message) -> Json:
    """A tool's turn or a call of one in the common form; all else as it is without tools."""
    plain = plain_message(message)
    if not message.tool_calls and message.role != "tool":
        return plain
    return common_message(replace(message, content=plain["content"]))


EMISSARY = Service(
    name="emissary",
    title="Emissary",
    base_url="https://api.withemissary.com",
    key_env=("EMISSARY_API_KEY", "EMISSARY_CLIENT_API_KEY"),
    base_url_env="EMISSARY_BASE_URL",
    key_header="X-API-Key",
    key_scheme="",
    prefix="/v1",
    fields={
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": INTEGER,
        "max_tokens": INTEGER,
        "max_completion_tokens": INTEGER,  # what the console sends, see wire section 2
    },
    tools="prompted",
    parts=dict.fromkeys(("system", "developer", "user", "assistant"), TEXT_ONLY),
    message=plain_message,
    loose_streams=True,
)
"""The current API: the model is a deployment's name, in the body."""

EMISSARY_DEPLOYMENT = replace(
    EMISSARY,
    title="Emissary's deployment API",
    path="/projects/{project_id}/deployments/{deployment_id}/chat/completions",
    model_in_body=False,
    fields={
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": INTEGER,
        "max_new_tokens": INTEGER,
        "no_repeat_ngram_size": INTEGER,
        "do_sample": BOOLEAN,
    },
    max_tokens="max_new_tokens",
    max_tokens_fields=frozenset({"max_new_tokens"}),
    stream="streaming",
)
"""The deployment-scoped API: project and deployment in the path, `{id, response}` back."""

EMISSARY_TEXT = replace(
    EMISSARY,
    title="Emissary's completions",
    path="/completions",
    takes="prompt",
    fields={
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": INTEGER,
        "max_completion_tokens": INTEGER,
    },
    max_tokens="max_completion_tokens",
    max_tokens_fields=frozenset({"max_completion_tokens"}),
    stream=None,
)
"""Text completion by the current API, where the output limit has another name."""

EMISSARY_DEPLOYMENT_TEXT = replace(
    EMISSARY_DEPLOYMENT,
    title="Emissary's deployment completions",
    path="/projects/{project_id}/deployments/{deployment_id}/completions",
    takes="prompt",
    stream=None,
)
"""Text completion by a deployment: the prompt goes in raw, without a chat template."""

EMISSARY_NATIVE = replace(
    EMISSARY,
    tools="native",
    parts={**EMISSARY.parts, "tool": TEXT_ONLY},
    message=native_message,
)
"""The current API for a caller who knows that the deployment takes OpenAI-like tools."""


def text_surface(given: Mapping[str, Any]) -> Service:
    """Which of Emissary's surfaces the parameters mean, for text completion; see `surface`."""
    is_deployment = surface(given) is EMISSARY_DEPLOYMENT
    return EMISSARY_DEPLOYMENT_TEXT if is_deployment else EMISSARY_TEXT


MODES = {"tool_calling": ("prompted", "native"), "stream_mode": ("auto", "delta", "cumulative")}


def surface(given: Mapping[str, Any]) -> Service:
    """Which of Emissary's surfaces the parameters mean: ids in the path, or a model in the body.

    Raises:
        ValueError: Neither is given, or only one of the two ids, or things that exclude each other.
    """
    for name, known in MODES.items():
        if given.get(name) not in (None, *known):
            raise ValueError(
                f"{name} must be {' or '.join(map(repr, known))}, not {given[name]!r}."
            )
    if given.get("deployment_id"):
        if not given.get("project_id"):
            raise ValueError(
                "Emissary's deployment API needs project_id beside deployment_id: "
                "pass project_id=... or set EMISSARY_PROJECT_ID."
            )
        if given.get("model"):
            raise ValueError(
                "Pass either model=... (the current API) or project_id=... and deployment_id=... "
                "(the deployment API), not both."
            )
        if given.get("tool_calling") == "native":
            raise ValueError(
                'tool_calling="native" works with the current API only: pass model=...'
            )
        return EMISSARY_DEPLOYMENT
    if not given.get("model"):
        raise ValueError(
            "Emissary needs to know which model to ask: pass model=... for the current API, or "
            "project_id=... and deployment_id=... (EMISSARY_PROJECT_ID, EMISSARY_DEPLOYMENT_ID) "
            "for the deployment API."
        )
    return EMISSARY_NATIVE if given.get("tool_calling") == "native" else EMISSARY


def embedding_surface(given: Mapping[str, Any]) -> EmbeddingService:
    """Which of Emissary's surfaces the parameters mean, for embeddings; see `surface`."""
    is_deployment = surface(given) is EMISSARY_DEPLOYMENT
    return EMISSARY_DEPLOYMENT_EMBEDDING if is_deployment else EMISSARY_EMBEDDING


EMISSARY_EMBEDDING = EmbeddingService(
    service=replace(EMISSARY, title="Emissary's embeddings", path="/embeddings", fields={}),
    texts=32,
)
"""The current API; no source limits the texts of a request, so it is what one GPU bears."""

EMISSARY_DEPLOYMENT_EMBEDDING = EmbeddingService(
    service=replace(
        EMISSARY_DEPLOYMENT,
        title="Emissary's deployment embeddings",
        path="/projects/{project_id}/deployments/{deployment_id}/embeddings",
        fields={"cosine": BOOLEAN, "manhattan": BOOLEAN, "euclidean": BOOLEAN},
    ),
    texts=2,
    most=2,
    said=lambda texts: {"source_sentence": texts[0], "target_sentence": texts[-1]},
    vectors=lambda answer, count: [
        answer["response"]["embeddings"][name] for name in ("text1", "text2")[:count]
    ],
)
"""A deployment compares two sentences, and tells the vectors of both: a single text is compared
with itself. The scores that are asked for stand in `raw`."""

EMISSARY_LISTINGS = {
    "models": Listing(
        path="/v1/models", card=lambda entry: ModelCard(str(entry["name"]), raw=entry)
    ),
}
"""A bare array; no source tells a context window."""
