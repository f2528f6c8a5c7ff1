"""The services' example bodies: what their own SDKs send and are sent, through LangChain."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from .chat_peer import ATOMA, DEPLOYMENT, EMISSARY, ORQ, Peer, Played, answers, ask, said

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "wire"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text())


UNSAID = [("stream", False), ("streaming", False)]


def call_of(name: str, city: str) -> dict[str, Any]:
    return {"name": name, "args": {"city": city}, "id": "call_b1", "type": "tool_call"}


def request(name: str) -> dict[str, Any]:
    """An example request's fields, without what LangChain gives in other ways."""
    return {key: value for key, value in example(name).items() if key not in {"messages", "stream"}}


REQUESTS: dict[str, tuple[Played, list[Any]]] = {
    "orq.router-chat.request-seed-minimal.json": (ORQ, []),
    "orq.router-chat.request-seed-tools.json": (
        ORQ,
        [
            HumanMessage("Weather in Brno?"),
            AIMessage("", tool_calls=[call_of("get_weather", "Brno")]),
            ToolMessage(content="14 C, rain", tool_call_id="call_b1"),
        ],
    ),
    "orq.router-chat.request-seed-parts.json": (
        ORQ,
        [
            SystemMessage(
                [
                    {"type": "text", "text": "Be brief."},
                    {"type": "text", "text": "Use metric units."},
                ],
                name="policy",
            ),
            HumanMessage(
                [
                    {"type": "text", "text": "What is on this picture?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
                    },
                ]
            ),
        ],
    ),
    "orq.router-chat.request-current.json": (
        ORQ,
        [
            SystemMessage("Be brief.", additional_kwargs={"__openai_role__": "developer"}),
            HumanMessage("Weather in Brno? Answer as JSON."),
            AIMessage("", tool_calls=[call_of("get_weather", "Brno")]),
            ToolMessage(content="14 C, rain", tool_call_id="call_b1"),
        ],
    ),
    "atoma.chat.request-minimal.json": (ATOMA, []),
    "atoma.chat.request-seed-full.json": (
        ATOMA,
        [
            SystemMessage("You are a helpful assistant", name="expert"),
            HumanMessage("Hello!", name="John"),
            AIMessage("How can I help?", name="AI"),
        ],
    ),
    "atoma.chat.request-stream.json": (ATOMA, []),
    "atoma.chat.request-multimodal.json": (ATOMA, []),
    "atoma.chat.request-json-schema.json": (ATOMA, []),
    "emissary.chat.request.json": (EMISSARY, []),
    "emissary.chat.request-minimal.json": (EMISSARY, []),
    "emissary.deployment-chat.request.json": (DEPLOYMENT, []),
    "emissary.deployment-chat.request-minimal.json": (DEPLOYMENT, []),
    "emissary.deployment-chat.request-streaming.json": (DEPLOYMENT, []),
}


def turned(message: dict[str, Any]) -> Any:
    """An example's message as LangChain's."""
    kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return kinds[message["role"]](message["content"], name=message.get("name"))


def same(message: dict[str, Any]) -> dict[str, Any]:
    """A message with the forms that mean the same made one."""
    told = {name: value for name, value in message.items() if value is not None}
    content = told.get("content")
    if isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text":
        told["content"] = content[0]["text"]
    if "tool_calls" in told:
        told["tool_calls"] = [
            each
            | {
                "function": each["function"]
                | {"arguments": json.loads(each["function"]["arguments"])}
            }
            for each in told["tool_calls"]
        ]
    return told


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("where", ["constructor", "call"])
def test_the_example_requests_can_be_made(name: str, where: str) -> None:
    played, messages = REQUESTS[name]
    wanted = example(name)
    messages = messages or [turned(each) for each in wanted["messages"]]
    how = "stream" if wanted.get("stream") or wanted.get("streaming") else "invoke"
    peer = Peer([answers(how, played=played) if how == "invoke" else said("Hi")])
    fields = request(name)
    if where == "constructor":
        ask(how, played.model(peer, **fields), messages)
    else:
        ask(how, played.model(peer), messages, **fields)
    sent = peer.body
    wanted = {k: v for k, v in wanted.items() if (k, v) not in UNSAID}
    if sent.get("stream") and "stream_options" not in wanted:
        assert sent.pop("stream_options", {"include_usage": True}) == {"include_usage": True}
    assert [same(each) for each in sent.pop("messages")] == [
        same(each) for each in wanted.pop("messages")
    ]
    assert sent == wanted


STREAMS: dict[str, tuple[Played, str, int, int | None]] = {
    "orq.router-chat.stream-current.sse": (ORQ, "The Vltava.", 0, 19),
    "orq.router-chat.stream-current-tools.sse": (ORQ, "", 2, None),
    "orq.router-chat.stream-seed-tools.sse": (ORQ, "", 1, 68),
    "atoma.chat.stream.sse": (ATOMA, "The Vltava flows through Prague.", 0, 51),
    "atoma.chat.stream-tools.sse": (ATOMA, "", 1, 99),
    "atoma.chat.stream-reasoning.sse": (ATOMA, "The Vltava.", 0, 51),
    "emissary.chat.stream.sse": (EMISSARY, "The Vltava flows through Prague.", 0, None),
    "emissary.deployment-chat.stream-deltas.sse": (
        DEPLOYMENT,
        "The Vltava flows through Prague.",
        0,
        None,
    ),
    "emissary.deployment-chat.stream-cumulative.sse": (
        DEPLOYMENT,
        "The Vltava flows through Prague.",
        0,
        None,
    ),
    "emissary.deployment-chat.stream-openai.sse": (
        DEPLOYMENT,
        "The Vltava flows through Prague.",
        0,
        None,
    ),
    "emissary.deployment-chat.stream-plain-text.sse": (
        DEPLOYMENT,
        "The Vltava flows through Prague.",
        0,
        None,
    ),
}


@pytest.mark.parametrize("how", ["stream", "astream", "invoke", "ainvoke"])
@pytest.mark.parametrize("name", STREAMS)
def test_the_example_streams_can_be_read(how: str, name: str) -> None:
    played, text, calls, tokens = STREAMS[name]
    body = (EXAMPLES / name).read_bytes()
    response = httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})
    message = ask(how, played.model(Peer([response]), streaming=True))
    assert message.content == text
    assert len(message.tool_calls) == calls
    assert all(each["args"] for each in message.tool_calls)
    assert (message.usage_metadata or {}).get("total_tokens") == tokens
    assert message.response_metadata["model_provider"] == played.name
