"""The transport itself, played."""

from __future__ import annotations

import json
from typing import Any

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    ORQ,
    AsyncClient,
    Call,
    Client,
    Delta,
    Message,
    Reply,
    Settings,
)
from emissary_transport.assembly import assembled
from emissary_transport.gathering import aembed, embed
from emissary_transport.parameters import call_of
from emissary_transport.question import question
from emissary_transport.ranking import ranking_inquiry
from emissary_transport.services import (
    ATOMA_EMBEDDING,
    ATOMA_TEXT,
    EMISSARY_DEPLOYMENT_EMBEDDING,
    EMISSARY_DEPLOYMENT_TEXT,
    EMISSARY_EMBEDDING,
    EMISSARY_TEXT,
    ORQ_EMBEDDING,
    ORQ_RERANK,
    ORQ_TEXT,
)

from .cases import QUERY, SENTENCES, WEATHER_TOLD, WEATHER_TOOL, Case, Outcome
from .steps import Play, ask

CHATS = {"orq": ORQ, "atoma": ATOMA, "emissary": EMISSARY, "deployment": EMISSARY_DEPLOYMENT}
TEXTS = {
    "orq": ORQ_TEXT,
    "atoma": ATOMA_TEXT,
    "emissary": EMISSARY_TEXT,
    "deployment": EMISSARY_DEPLOYMENT_TEXT,
}
EMBEDDINGS = {
    "orq": ORQ_EMBEDDING,
    "atoma": ATOMA_EMBEDDING,
    "emissary": EMISSARY_EMBEDDING,
    "deployment": EMISSARY_DEPLOYMENT_EMBEDDING,
}


def surface_of(case: Case) -> str:
    """Which of the services, the two surfaces of Emissary told apart."""
    return "deployment" if "deployment_id" in case.params else case.surface.service


def play(case: Case, how: str, key: str, base_url: str, **settings: Any) -> Play[Outcome]:
    """The case, played by hand."""
    reached = Settings(api_key=key, base_url=base_url, **settings)
    return PLAYS[case.operation](case, how, reached)


def _client(how: str, service: Any, settings: Settings) -> Any:
    return (Client if how == "sync" else AsyncClient)(service, settings)


def _question(service: Any, case: Case, settings: Settings) -> Any:
    reached = {"api_key": settings.api_key, "base_url": settings.base_url}
    return question(service, {**reached, **case.params})


def _call(case: Case, said: Any, **more: Any) -> Call:
    return call_of({**case.params, **more}, said, stream=case.operation.startswith("stream"))


def _messages(case: Case) -> tuple[Message, ...]:
    return tuple(Message(role, text) for role, text in case.said)


def _chat(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, CHATS[surface_of(case)], settings)
    return _of_reply((yield ask(client, "chat", _call(case, _messages(case)))))


def _stream(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, CHATS[surface_of(case)], settings)
    deltas: list[Delta] = yield ask(client, "stream", _call(case, _messages(case)))
    assert len([delta for delta in deltas if delta.text]) > 1
    return _of_reply(assembled(deltas))


def _complete(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, TEXTS[surface_of(case)], settings)
    return _of_reply((yield ask(client, "chat", _call(case, QUERY))))


def _stream_complete(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, TEXTS[surface_of(case)], settings)
    deltas: list[Delta] = yield ask(client, "stream", _call(case, QUERY))
    assert len([delta for delta in deltas if delta.text]) > 1
    return _of_reply(assembled(deltas))


def _tools(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, CHATS[surface_of(case)], settings)
    tools = {"tools": [WEATHER_TOOL], "tool_choice": "auto", "parallel_tool_calls": True}
    messages = _messages(case)
    first: Reply = yield ask(client, "chat", _call(case, messages, **tools))
    calls = first.choice.tool_calls
    messages += (Message("assistant", first.text, tool_calls=calls),)
    messages += tuple(Message("tool", WEATHER_TOLD, tool_call_id=call.id) for call in calls)
    last: Reply = yield ask(client, "chat", _call(case, messages, **tools))
    told = tuple((call.name, json.loads(call.arguments)) for call in calls)
    return Outcome(text=last.text, calls=told, usage=_usage(last))


def _embed(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    embedding = EMBEDDINGS[surface_of(case)]
    client = _client(how, embedding.service, settings)
    asked = _question(embedding.service, case, settings)
    result = yield ask(_Embedding, "embed", client, embedding, asked, SENTENCES, bound=1)
    return Outcome(vectors=(len(result.vectors), len(result.vectors[0])))


class _Embedding:
    embed = staticmethod(embed)
    aembed = staticmethod(aembed)


def _rerank(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, ORQ_RERANK, settings)
    asked = _question(ORQ_RERANK, case, settings)
    result = yield ask(client, "ask", ranking_inquiry(asked, QUERY, SENTENCES))
    return Outcome(ranking=tuple(each.index for each in result.results))


def _models(case: Case, how: str, settings: Settings) -> Play[Outcome]:
    client = _client(how, CHATS[surface_of(case)], settings)
    cards = yield ask(client, "list_models")
    return Outcome(models=tuple(card.id for card in cards))


def _of_reply(reply: Reply) -> Outcome:
    return Outcome(text=reply.text, usage=_usage(reply))


def _usage(reply: Reply) -> tuple[int, int] | None:
    return (reply.usage.input_tokens, reply.usage.output_tokens) if reply.usage else None


PLAYS = {
    "chat": _chat,
    "stream": _stream,
    "tools": _tools,
    "complete": _complete,
    "stream_complete": _stream_complete,
    "embed": _embed,
    "rerank": _rerank,
    "models": _models,
}
