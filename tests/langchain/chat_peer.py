"""Services played by a script of answers, and the four ways to ask a model."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk

from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq

KEY = "sk-secret-1234567890"
HOWS = ("invoke", "ainvoke", "stream", "astream")


def answer(text: str | None = "The Vltava.", **changes: Any) -> dict[str, Any]:
    """A whole answer in the form that Orq, Atoma and Emissary's current API share."""
    message = {"role": "assistant", "content": text} | changes.pop("message", {})
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "answer-1",
        "object": "chat.completion",
        "created": 1760534948,
        "model": "served-model",
        "choices": [choice | changes.pop("choice", {})],
        "usage": {"prompt_tokens": 14, "completion_tokens": 5, "total_tokens": 19},
    } | changes


def event(delta: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """One chunk of a streamed answer."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": None}
    return {
        "id": "answer-1",
        "object": "chat.completion.chunk",
        "created": 1760534948,
        "model": "served-model",
        "choices": [choice | changes.pop("choice", {})],
    } | changes


def ending(reason: str = "stop", **changes: Any) -> dict[str, Any]:
    return event({}, choice={"finish_reason": reason}, **changes)


def usage_event(**usage: Any) -> dict[str, Any]:
    told = usage or {"prompt_tokens": 14, "completion_tokens": 5, "total_tokens": 19}
    return event() | {"choices": [], "usage": told}


def piece(index: int | None, call_id: str | None, name: str | None, arguments: str) -> Any:
    """A piece of a streamed tool call, with only what is told."""
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    told = {"index": index, "id": call_id}
    return {k: v for k, v in told.items() if v is not None} | {"function": function}


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A whole tool call, as it stands in messages."""
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


@dataclass
class Stream:
    """A streamed answer; `done` ends it with the marker that Orq sends."""

    events: Iterable[Any]
    done: bool = True

    def response(self) -> httpx.Response:
        lines = [f"data: {json.dumps(each)}\n\n" for each in self.events]
        body = "".join(lines) + ("data: [DONE]\n\n" if self.done else "")
        return httpx.Response(200, text=body, headers={"content-type": "text/event-stream"})


def said(*texts: str, reason: str = "stop") -> Stream:
    """A stream of texts with everything that belongs to it."""
    texts_and_end = [event({"content": text}) for text in texts] + [ending(reason)]
    return Stream([*texts_and_end, usage_event()])


@dataclass
class Peer:
    """Answers requests from a script, the last answer for ever, and keeps the requests."""

    answers: list[Any]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        if isinstance(given, Stream):
            return given.response()
        if isinstance(given, httpx.Response):
            return httpx.Response(given.status_code, headers=given.headers, content=given.content)
        return httpx.Response(200, json=given)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def body(self) -> Any:
        return self.bodies[-1]

    @property
    def request(self) -> httpx.Request:
        return self.requests[-1]


@dataclass(frozen=True, eq=False)
class Played:
    """One of the services, as its users make a model of it."""

    cls: type[BaseChatModel]
    params: Mapping[str, Any]
    path: str
    name: str

    def model(self, peer: Peer, **params: Any) -> Any:
        given = {"api_key": KEY, "base_url": "https://service.test", **self.params, **params}
        return self.cls(**given, **clients(peer))


def clients(peer: Peer) -> dict[str, Any]:
    """Clients of the user's own that lead to the peer."""
    transport = httpx.MockTransport(peer)
    return {
        "http_client": httpx.Client(transport=transport),
        "http_async_client": httpx.AsyncClient(transport=transport),
    }


ORQ = Played(ChatOrq, {"model": "openai/gpt-4o"}, "/v2/router/chat/completions", "orq")
ATOMA = Played(ChatAtoma, {"model": "meta-llama/Llama"}, "/v1/chat/completions", "atoma")
EMISSARY = Played(ChatEmissary, {"model": "support-bot"}, "/v1/chat/completions", "emissary")
DEPLOYMENT = Played(
    ChatEmissary,
    {"project_id": "ms-1", "deployment_id": "dp-1"},
    "/v1/projects/ms-1/deployments/dp-1/chat/completions",
    "emissary",
)
PLAYED = {"orq": ORQ, "atoma": ATOMA, "emissary": EMISSARY, "deployment": DEPLOYMENT}
OPENAI_LIKE = {"orq": ORQ, "atoma": ATOMA}


def chunks(how: str, model: Any, messages: Any, /, **options: Any) -> list[AIMessageChunk]:
    """What a model streams, one way or the other."""
    if how == "stream":
        return list(model.stream(messages, **options))

    async def collected() -> list[AIMessageChunk]:
        return [chunk async for chunk in model.astream(messages, **options)]

    return asyncio.run(collected())


def whole(streamed: list[Any]) -> Any:
    """The sum of what was streamed."""
    total = streamed[0]
    for chunk in streamed[1:]:
        total = total + chunk
    return total


def ask(how: str, model: Any, messages: Any = "Which river?", /, **options: Any) -> Any:
    """A model's answer, by one of the four ways."""
    if how == "invoke":
        return model.invoke(messages, **options)
    if how == "ainvoke":
        return asyncio.run(model.ainvoke(messages, **options))
    return whole(chunks(how, model, messages, **options))


def answers(how: str, *, text: str = "The Vltava.", played: Played = ORQ) -> Any:
    """A plain answer in the form that fits the way of asking."""
    if played is DEPLOYMENT:
        return {"id": "answer-1", "response": text}
    return said(text) if "stream" in how else answer(text)


def sent(played: Played, messages: Any, **options: Any) -> Any:
    """The body that goes out for messages."""
    peer = Peer([answers("invoke", played=played)])
    played.model(peer).invoke(messages, **options)
    return peer.body


def messages_of(played: Played, *history: Any) -> Any:
    """The messages that go out for a history."""
    return sent(played, list(history))["messages"]
