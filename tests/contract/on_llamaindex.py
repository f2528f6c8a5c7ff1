"""LlamaIndex, played."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.tools.types import BaseTool, ToolMetadata, ToolOutput

from llamaindex_emissary import (
    Atoma,
    AtomaEmbedding,
    Emissary,
    EmissaryEmbedding,
    Orq,
    OrqEmbedding,
    OrqRerank,
)

from .cases import QUERY, SENTENCES, WEATHER_TOLD, WEATHER_TOOL, Case, Outcome
from .steps import Play, ask

CLASSES: dict[str, dict[str, Any]] = {
    "llm": {"orq": Orq, "atoma": Atoma, "emissary": Emissary},
    "embed": {"orq": OrqEmbedding, "atoma": AtomaEmbedding, "emissary": EmissaryEmbedding},
    "rerank": {"orq": OrqRerank},
}


class Weather(BaseTool):
    """The tool, described just as it is described to all."""

    @property
    def metadata(self) -> ToolMetadata:
        function = WEATHER_TOOL["function"]
        return _Described(name=function["name"], description=function["description"])  # type: ignore[index]

    def __call__(self, input: Any) -> ToolOutput:  # noqa: A002 - LlamaIndex's name
        raise NotImplementedError


class _Described(ToolMetadata):
    def get_parameters_dict(self) -> dict[str, Any]:
        return WEATHER_TOOL["function"]["parameters"]  # type: ignore[index, no-any-return]


def play(case: Case, how: str, key: str, base_url: str) -> Play[Outcome]:
    """The case, as a user of LlamaIndex plays it."""
    kind, run = PLAYS[case.operation]
    params = dict(case.params)
    per_call = {name: params.pop(name) for name in ("response_format",) if name in params}
    if kind == "llm" and "complete" in case.operation:
        params["is_chat_model"] = False
    if case.operation == "stream" and "deployment_id" in params:
        params["streaming"] = True
    model = CLASSES[kind][case.surface.service](api_key=key, api_base=base_url, **params)
    return run(case, model, per_call)


def _messages(case: Case) -> list[ChatMessage]:
    return [ChatMessage(role=role, content=text) for role, text in case.said]


def _chat(case: Case, model: Any, options: Any) -> Play[Outcome]:
    response = yield ask(model, "chat", _messages(case), **options)
    return Outcome(text=response.message.content or "", usage=_usage(response))


def _stream(case: Case, model: Any, options: Any) -> Play[Outcome]:
    chunks = yield ask(model, "stream_chat", _messages(case), **options)
    assert len([chunk for chunk in chunks if chunk.delta]) > 1
    assert "".join(chunk.delta or "" for chunk in chunks) == chunks[-1].message.content
    return Outcome(text=chunks[-1].message.content, usage=_usage(chunks[-1]))


def _complete(_: Case, model: Any, __: Any) -> Play[Outcome]:
    response = yield ask(model, "complete", QUERY)
    return Outcome(text=response.text, usage=_usage(response))


def _stream_complete(_: Case, model: Any, __: Any) -> Play[Outcome]:
    chunks = yield ask(model, "stream_complete", QUERY)
    assert len([chunk for chunk in chunks if chunk.delta]) > 1
    return Outcome(text=chunks[-1].text, usage=_usage(chunks[-1]))


def _tools(case: Case, model: Any, _: Any) -> Play[Outcome]:
    options: Any = {"tools": [Weather()], "allow_parallel_tool_calls": True}
    messages = _messages(case)
    first = yield ask(model, "chat_with_tools", chat_history=messages, **options)
    calls = model.get_tool_calls_from_response(first)
    messages = [*messages, first.message]
    messages += [
        ChatMessage(
            role="tool", content=WEATHER_TOLD, additional_kwargs={"tool_call_id": call.tool_id}
        )
        for call in calls
    ]
    last = yield ask(model, "chat_with_tools", chat_history=messages, **options)
    told = tuple((call.tool_name, call.tool_kwargs) for call in calls)
    return Outcome(text=last.message.content or "", calls=told, usage=_usage(last))


def _embed(_: Case, model: Any, __: Any) -> Play[Outcome]:
    vectors = yield ask(model, "get_text_embedding_batch", list(SENTENCES))
    return Outcome(vectors=(len(vectors), len(vectors[0])))


def _rerank(_: Case, model: Any, __: Any) -> Play[Outcome]:
    ranking = yield ask(model, "rerank", list(SENTENCES), QUERY)
    return Outcome(ranking=tuple(each.index for each in ranking.results))


def _models(_: Case, model: Any, __: Any) -> Play[Outcome]:
    cards = yield ask(model, "list_models")
    return Outcome(models=tuple(card.id for card in cards))


def _usage(response: ChatResponse) -> tuple[int, int] | None:
    told = response.additional_kwargs
    return (told["prompt_tokens"], told["completion_tokens"]) if "prompt_tokens" in told else None


PLAYS: dict[str, tuple[str, Any]] = {
    "chat": ("llm", _chat),
    "stream": ("llm", _stream),
    "tools": ("llm", _tools),
    "complete": ("llm", _complete),
    "stream_complete": ("llm", _stream_complete),
    "embed": ("embed", _embed),
    "rerank": ("rerank", _rerank),
    "models": ("llm", _models),
}
