"""LangChain, played."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, ToolMessage

from langchain_emissary import (
    AtomaEmbeddings,
    AtomaLLM,
    ChatAtoma,
    ChatEmissary,
    ChatOrq,
    EmissaryEmbeddings,
    EmissaryLLM,
    OrqEmbeddings,
    OrqLLM,
    OrqRerank,
)

from .cases import QUERY, SENTENCES, WEATHER_TOLD, WEATHER_TOOL, Case, Outcome
from .steps import Play, ask

CLASSES: dict[str, dict[str, Any]] = {
    "chat": {"orq": ChatOrq, "atoma": ChatAtoma, "emissary": ChatEmissary},
    "text": {"orq": OrqLLM, "atoma": AtomaLLM, "emissary": EmissaryLLM},
    "embed": {"orq": OrqEmbeddings, "atoma": AtomaEmbeddings, "emissary": EmissaryEmbeddings},
    "rerank": {"orq": OrqRerank},
}


def play(case: Case, how: str, key: str, base_url: str) -> Play[Outcome]:
    """The case, as a user of LangChain plays it."""
    kind, run = PLAYS[case.operation]
    params = dict(case.params)
    per_call = {name: params.pop(name) for name in ("response_format",) if name in params}
    if case.operation == "stream" and "deployment_id" in params:
        params["streaming"] = True
    model = CLASSES[kind][case.surface.service](api_key=key, base_url=base_url, **params)
    return run(case, model, per_call)


def _chat(case: Case, model: Any, options: Any) -> Play[Outcome]:
    message = yield ask(model, "invoke", [*case.said], **options)
    return Outcome(text=message.text, usage=_usage(message))


def _stream(case: Case, model: Any, options: Any) -> Play[Outcome]:
    chunks = yield ask(model, "stream", [*case.said], **options)
    assert len([chunk for chunk in chunks if chunk.text]) > 1
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    return Outcome(text=whole.text, usage=_usage(whole))


def _complete(_: Case, model: Any, __: Any) -> Play[Outcome]:
    result = yield ask(model, "generate", [QUERY])
    used = (result.llm_output or {}).get("token_usage") or {}
    usage = (used["prompt_tokens"], used["completion_tokens"]) if used else None
    return Outcome(text=result.generations[0][0].text, usage=usage)


def _stream_complete(_: Case, model: Any, __: Any) -> Play[Outcome]:
    pieces = yield ask(model, "stream", QUERY)
    assert len([piece for piece in pieces if piece]) > 1
    return Outcome(text="".join(pieces))


def _tools(case: Case, model: Any, _: Any) -> Play[Outcome]:
    bound = model.bind_tools([WEATHER_TOOL], tool_choice="auto", parallel_tool_calls=True)
    messages: list[Any] = [*case.said]
    first: AIMessage = yield ask(bound, "invoke", messages)
    messages += [first]
    messages += [
        ToolMessage(WEATHER_TOLD, tool_call_id=call["id"], name=call["name"])
        for call in first.tool_calls
    ]
    last: AIMessage = yield ask(bound, "invoke", messages)
    calls = tuple((call["name"], call["args"]) for call in first.tool_calls)
    return Outcome(text=str(last.text), calls=calls, usage=_usage(last))


def _embed(_: Case, model: Any, __: Any) -> Play[Outcome]:
    vectors = yield ask(model, "embed_documents", list(SENTENCES))
    return Outcome(vectors=(len(vectors), len(vectors[0])))


def _rerank(_: Case, model: Any, __: Any) -> Play[Outcome]:
    ranking = yield ask(model, "rerank", list(SENTENCES), QUERY)
    return Outcome(ranking=tuple(each.index for each in ranking.results))


def _models(_: Case, model: Any, __: Any) -> Play[Outcome]:
    cards = yield ask(model, "list_models")
    return Outcome(models=tuple(card.id for card in cards))


def _usage(message: AIMessage) -> tuple[int, int] | None:
    used = message.usage_metadata
    return (used["input_tokens"], used["output_tokens"]) if used else None


PLAYS: dict[str, tuple[str, Any]] = {
    "chat": ("chat", _chat),
    "stream": ("chat", _stream),
    "tools": ("chat", _tools),
    "complete": ("text", _complete),
    "stream_complete": ("text", _stream_complete),
    "embed": ("embed", _embed),
    "rerank": ("rerank", _rerank),
    "models": ("chat", _models),
}
