"""The peer of a conversation, played by a script, and a model that speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse

from llamaindex_emissary import Atoma, Emissary, Orq
from llamaindex_emissary.base import ServiceLLM

SERVICES = ("orq", "atoma", "emissary", "deployment")
PATHS = {
    "orq": "/v2/router/chat/completions",
    "atoma": "/v1/chat/completions",
    "emissary": "/v1/chat/completions",
    "deployment": "/v1/projects/ms-1/deployments/dp-1/chat/completions",
}
KEY = "sk-very-secret"
HI = [ChatMessage(role="user", content="hi")]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def whole(text: str | None = "hello", usage: Any = USAGE, **message: Any) -> httpx.Response:
    """A plain answer in the form that OpenAI made common."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
    }
    body = {"id": "a-1", "object": "chat.completion", "created": 1, "model": "m"}
    return httpx.Response(200, json={**body, "choices": [choice], "usage": usage})


def deployed(text: str = "hello") -> httpx.Response:
    """A plain answer of Emissary's deployment API."""
    return httpx.Response(200, json={"id": "chat-completion-1", "response": text})


def event(delta: Any, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "a-1", "model": "m", "choices": [choice], **more}


def said(*pieces: str) -> list[dict[str, Any]]:
    """The events of a text."""
    return [event({"role": "assistant", "content": ""}), *(event({"content": p}) for p in pieces)]


def called(*pieces: Any) -> dict[str, Any]:
    """An event with pieces of tool calls."""
    return event({"tool_calls": list(pieces)})


def piece(
    arguments: Any = None, name: str | None = None, call_id: str | None = None, index: Any = None
) -> dict[str, Any]:
    """A piece of a tool call, with only what is given."""
    function = {
        key: value
        for key, value in {"name": name, "arguments": arguments}.items()
        if value is not None
    }
    told = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in told.items() if value is not None}


END = event({}, "stop")
CALLS_END = event({}, "tool_calls")
USED = {"id": "a-1", "choices": [], "usage": USAGE}


def sse(*events: Any, done: bool = True) -> httpx.Response:
    """A stream of these events; bytes stand for themselves."""
    parts = [
        each if isinstance(each, bytes) else b"data: " + json.dumps(each).encode() + b"\n\n"
        for each in events
    ]
    if done:
        parts.append(b"data: [DONE]\n\n")
    return httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=b"".join(parts)
    )


class Peer:
    """Answers by a script, the last answer again and again, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def body(self) -> Any:
        return self.bodies[-1]


def model(service: str, peer: Callable[..., httpx.Response] | None = None, **more: Any) -> Any:
    """A model of a service whose peer is played."""
    own: dict[str, Any] = {"api_key": KEY}
    if peer is not None:
        own["http_client"] = httpx.Client(transport=httpx.MockTransport(peer))
        own["async_http_client"] = httpx.AsyncClient(transport=httpx.MockTransport(peer))
    if service == "orq":
        return Orq(**{"model": "openai/gpt-4o", **own, **more})
    if service == "atoma":
        return Atoma(**{"model": "meta-llama/Llama-3.3-70B-Instruct", **own, **more})
    if service == "emissary":
        return Emissary(**{"model": "bot", **own, **more})
    return Emissary(**{"project_id": "ms-1", "deployment_id": "dp-1", **own, **more})


class Both:
    """The eight methods, each the same whether sync or async."""

    def __init__(self, how: str, llm: ServiceLLM) -> None:
        self.how, self.llm = how, llm

    def chat(self, messages: Sequence[ChatMessage] = HI, **options: Any) -> ChatResponse:
        if self.how == "sync":
            return self.llm.chat(messages, **options)
        return asyncio.run(self.llm.achat(messages, **options))

    def stream_chat(
        self, messages: Sequence[ChatMessage] = HI, into: list[Any] | None = None, **options: Any
    ) -> list[ChatResponse]:
        chunks: list[Any] = [] if into is None else into
        if self.how == "sync":
            for chunk in self.llm.stream_chat(messages, **options):
                chunks.append(chunk)  # noqa: PERF402 - what came stays if the next one raises
            return chunks

        async def collect() -> None:
            async for chunk in await self.llm.astream_chat(messages, **options):
                chunks.append(chunk)  # noqa: PERF401

        asyncio.run(collect())
        return chunks

    def complete(self, prompt: str = "hi", **options: Any) -> CompletionResponse:
        if self.how == "sync":
            return self.llm.complete(prompt, **options)
        return asyncio.run(self.llm.acomplete(prompt, **options))

    def stream_complete(self, prompt: str = "hi", **options: Any) -> list[CompletionResponse]:
        if self.how == "sync":
            return list(self.llm.stream_complete(prompt, **options))

        async def collect() -> list[CompletionResponse]:
            return [chunk async for chunk in await self.llm.astream_complete(prompt, **options)]

        return asyncio.run(collect())

    def structured(self, output_cls: Any, prompt: Any, **options: Any) -> Any:
        if self.how == "sync":
            return self.llm.structured_predict(output_cls, prompt, **options)
        return asyncio.run(self.llm.astructured_predict(output_cls, prompt, **options))

    def stream_structured(
        self, output_cls: Any, prompt: Any, into: list[Any] | None = None, **options: Any
    ) -> list[Any]:
        objects: list[Any] = [] if into is None else into
        if self.how == "sync":
            for each in self.llm.stream_structured_predict(output_cls, prompt, **options):
                objects.append(each)  # noqa: PERF402
            return objects

        async def collect() -> None:
            stream = await self.llm.astream_structured_predict(output_cls, prompt, **options)
            async for each in stream:
                objects.append(each)  # noqa: PERF401

        asyncio.run(collect())
        return objects
