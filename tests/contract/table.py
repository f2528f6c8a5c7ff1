"""All cases: a row each. What is told of tokens is what the emulator counts."""

from __future__ import annotations

from typing import Any

from .cases import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    ORQ,
    RIVER_FORMAT,
    WEATHER,
    Case,
    Operation,
    Outcome,
    Surface,
)

COLD = {"temperature": 0, "max_tokens": 64}
SHAPED = {"response_format": RIVER_FORMAT}
TEXT = "The Vltava flows through Prague."
JSON = '{"name": "Vltava", "length_km": 1}'
CALLS = (("get_weather", {"city": "Brno"}),)
TOLD = "get_weather for Brno says: 14 degrees and sun."
WRONG = "wrong-key-0123456789"
NO_KEY, NO_MODEL = "AuthenticationFailed", "NotFound"


def _case(surface: Surface, name: str, operation: Operation, **more: Any) -> Case:
    given = {field: more.pop(field) for field in _GIVEN if field in more}
    return Case(surface=surface, name=name, operation=operation, outcome=Outcome(**more), **given)


_GIVEN = ("said", "options", "key", "fault")


def _chats(
    surface: Surface,
    prefix: str = "",
    *,
    used: tuple[int, int] | None,
    stream_used: tuple[int, int] | None,
    tools_used: tuple[int, int] | None,
    shaped_used: tuple[int, int] | None,
    codes: tuple[str | None, str | None],
    unknown: dict[str, str],
    unknown_status: int = 404,
) -> tuple[Case, ...]:
    """What every chat API has: an answer whole and streamed, tools, a shape, refusals."""

    def case(name: str, operation: Operation, **more: Any) -> Case:
        return _case(surface, prefix + name, operation, **more)

    return (
        case("chat", "chat", options=COLD, text=TEXT, usage=used),
        case("stream", "stream", options=COLD, text=TEXT, usage=stream_used),
        case(
            "tools",
            "tools",
            said=WEATHER,
            options=COLD,
            calls=CALLS,
            text=TOLD,
            usage=tools_used,
        ),
        case("structured", "chat", options=SHAPED, text=JSON, usage=shaped_used),
        case("error-key", "chat", key=WRONG, error=(NO_KEY, 401, codes[0])),
        case("error-model", "chat", options=unknown, error=(NO_MODEL, unknown_status, codes[1])),
    )


ORQ_CASES = (
    *_chats(
        ORQ,
        used=(24, 7),
        stream_used=(24, 7),
        tools_used=(87, 11),
        shaped_used=(24, 16),
        codes=("invalid_api_key", "404"),
        unknown={"model": "openai/unknown"},
    ),
    _case(
        ORQ, "retried", "chat", fault={"status": 429, "retry_after": 1}, text=TEXT, usage=(24, 7)
    ),
    _case(ORQ, "completion", "complete", options=COLD, text=f" {TEXT}", usage=(9, 7)),
    _case(ORQ, "completion-stream", "stream_complete", options=COLD, text=f" {TEXT}"),
    _case(ORQ, "embeddings", "embed", vectors=(2, 64)),
    _case(ORQ, "rerank", "rerank", options={"model": "cohere/rerank-v3.5"}, ranking=(0, 1)),
    _case(
        ORQ,
        "models",
        "models",
        models=(
            "openai/gpt-4o",
            "openai/gpt-4o-mini",
            "openai/gpt-4.1",
            "openai/o3-mini",
            "anthropic/claude-sonnet-4-5",
            "google/gemini-2.5-flash",
            "groq/llama-3.3-70b-versatile",
            "openai/gpt-3.5-turbo-instruct",
            "openai/text-embedding-3-small",
            "cohere/rerank-multilingual-v3.0",
        ),
    ),
)

ATOMA_CASES = (
    *_chats(
        ATOMA,
        used=(24, 7),
        stream_used=(24, 7),
        tools_used=(87, 11),
        shaped_used=(24, 16),
        codes=("AUTH_ERROR", "REQUEST_ERROR"),
        unknown={"model": "unknown/model"},
        unknown_status=400,
    ),
    _case(ATOMA, "completion", "complete", options=COLD, text=f" {TEXT}", usage=(9, 7)),
    _case(
        ATOMA, "completion-stream", "stream_complete", options=COLD, text=f" {TEXT}", usage=(9, 7)
    ),
    _case(ATOMA, "embeddings", "embed", vectors=(2, 64)),
    _case(
        ATOMA,
        "models",
        "models",
        models=(
            "meta-llama/Llama-3.3-70B-Instruct",
            "deepseek-ai/DeepSeek-R1",
            "Infermatic/Llama-3.3-70B-Instruct-FP8-Dynamic",
            "intfloat/multilingual-e5-large-instruct",
        ),
    ),
)

EMISSARY_CASES = (
    *_chats(
        EMISSARY,
        used=(24, 7),
        stream_used=None,
        tools_used=(266, 11),
        shaped_used=(103, 16),
        codes=(None, "object_not_found"),
        unknown={"model": "unknown-model"},
    ),
    _case(EMISSARY, "completion", "complete", options=COLD, text=f" {TEXT}", usage=(9, 7)),
    _case(EMISSARY, "embeddings", "embed", vectors=(2, 64)),
    _case(
        EMISSARY,
        "models",
        "models",
        models=("Llama-3.2-1B-Instruct", "Llama-3.2-3B-Instruct", "emissary-model-router-shared"),
    ),
)

DEPLOYMENT_CASES = (
    *_chats(
        DEPLOYMENT,
        "deployment-",
        used=None,
        stream_used=None,
        tools_used=None,
        shaped_used=None,
        codes=(None, "object_not_found"),
        unknown={"deployment_id": "dp-unknown"},
    ),
    _case(DEPLOYMENT, "deployment-completion", "complete", options=COLD, text=f" {TEXT}"),
    _case(DEPLOYMENT, "deployment-embeddings", "embed", vectors=(2, 64)),
)

CASES = (*ORQ_CASES, *ATOMA_CASES, *EMISSARY_CASES, *DEPLOYMENT_CASES)
