"""Streams of tool calls as servers really send them, and streams that break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from llama_index.core.base.llms.types import ToolCallBlock

from emissary_transport.errors import BadAnswer, BrokenAnswer, ServiceError
from llamaindex.peer import (
    CALLS_END,
    END,
    HI,
    USAGE,
    USED,
    Both,
    Peer,
    called,
    event,
    model,
    piece,
    said,
    sse,
)

A = {"city": "Brno"}
B = {"city": "Praha"}
HALF, REST = '{"city": ', '"Brno"}'
WIRE = Path(__file__).parents[1] / "fixtures" / "wire"

CASES: dict[str, tuple[list[Any], list[tuple[str, Any]], str]] = {
    "as documented": (
        [
            called(piece("", "f", "a", 0)),
            called(piece(HALF, index=0)),
            called(piece(REST, index=0)),
        ],
        [("f", A)],
        "",
    ),
    "two whole calls in one chunk": (
        [called(piece(json.dumps(A), "f", "a", 0), piece(json.dumps(B), "g", "b", 1))],
        [("f", A), ("g", B)],
        "",
    ),
    "two calls in one chunk, no index": (
        [called(piece(json.dumps(A), "f", "a"), piece(json.dumps(B), "g", "b"))],
        [("f", A), ("g", B)],
        "",
    ),
    "two calls in one chunk, no index and no id": (
        [called(piece(json.dumps(A), "f"), piece(json.dumps(B), "g"))],
        [("f", A), ("g", B)],
        "",
    ),
    "the same call twice is two calls": (
        [called(piece(json.dumps(A), "f", "a", 0)), called(piece(json.dumps(A), "f", "b", 1))],
        [("f", A), ("f", A)],
        "",
    ),
    "index used again": (
        [called(piece(json.dumps(A), "f", "a", 0)), called(piece(json.dumps(B), "g", "b", 0))],
        [("f", A), ("g", B)],
        "",
    ),
    "index absent": (
        [
            called(piece(HALF, "f", "a")),
            called(piece(REST)),
            called(piece(json.dumps(B), "g", "b")),
        ],
        [("f", A), ("g", B)],
        "",
    ),
    "index null": (
        [
            called({**piece(HALF, "f", "a"), "index": None}),
            called({**piece(REST), "index": None}),
        ],
        [("f", A)],
        "",
    ),
    "index from one and as float": (
        [called(piece(HALF, "f", "a", 1.0)), called(piece(REST, index=1.0))],
        [("f", A)],
        "",
    ),
    "interleaved": (
        [
            called(piece('{"city": ', "f", "a", 0)),
            called(piece('{"city": ', "g", "b", 1)),
            called(piece('"Brno"}', index=0)),
            called(piece('"Praha"}', index=1)),
        ],
        [("f", A), ("g", B)],
        "",
    ),
    "id and name on every chunk": (
        [
            called(piece("", "f", "a", 0)),
            called(piece(HALF, "f", "a", 0)),
            called(piece(REST, "f", "a", 0)),
        ],
        [("f", A)],
        "",
    ),
    "id and name on every chunk, no index": (
        [called(piece("", "f", "a")), called(piece(HALF, "f", "a")), called(piece(REST, "f", "a"))],
        [("f", A)],
        "",
    ),
    "id only later": (
        [called(piece(HALF, "f", index=0)), called(piece(REST, call_id="late", index=0))],
        [("f", A)],
        "",
    ),
    "no id at all": (
        [called(piece(HALF, "f", index=0)), called(piece(REST, index=0))],
        [("f", A)],
        "",
    ),
    "empty id on later chunks": (
        [called(piece(HALF, "f", "a", 0)), called(piece(REST, "", "", 0))],
        [("f", A)],
        "",
    ),
    "name in pieces": (
        [called(piece(None, "get_", "a", 0)), called(piece(None, "time", index=0))],
        [("get_time", {})],
        "",
    ),
    "arguments null": (
        [
            called({"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}),
            called(piece(json.dumps(A), index=0)),
        ],
        [("f", A)],
        "",
    ),
    "no arguments": ([called(piece(None, "f", "a", 0))], [("f", {})], ""),
    "arguments as an object": ([called(piece(A, "f", "a", 0))], [("f", A)], ""),
    "function null on later chunks": (
        [called(piece(json.dumps(A), "f", "a", 0)), called({"index": 0, "function": None})],
        [("f", A)],
        "",
    ),
    "text before calls": (
        [*said("Let me ", "look."), called(piece(json.dumps(A), "f", "a", 0))],
        [("f", A)],
        "Let me look.",
    ),
    "text after calls": (
        [called(piece(json.dumps(A), "f", "a", 0)), event({"content": "Done."})],
        [("f", A)],
        "Done.",
    ),
    "text and call in one delta": (
        [event({"content": "So:", "tool_calls": [piece(json.dumps(A), "f", "a", 0)]})],
        [("f", A)],
        "So:",
    ),
    "noise in between": (
        [
            b": keep-alive\n\n",
            {"id": "x", "choices": []},
            {"id": "x", "choices": None},
            event(None),
            {"id": "x", "choices": [{"index": 0, "finish_reason": None}]},
            called(piece(HALF, "f", "a", 0)),
            b": OPENROUTER PROCESSING\r\n\r\n",
            event({"content": None, "tool_calls": None}),
            called(piece(REST, index=0)),
            event({"tool_calls": []}),
        ],
        [("f", A)],
        "",
    ),
    "one character at a time": (
        [
            called(piece("", "f", "a", 0)),
            *(called(piece(char, index=0)) for char in json.dumps({"t": 'é"\\\n😀', "n": [1, 2]})),
        ],
        [("f", {"t": 'é"\\\n😀', "n": [1, 2]})],
        "",
    ),
    "arguments that are no JSON": (
        [called(piece("{'city': Brno}", "f", "a", 0))],
        [("f", {})],
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_every_call_comes_out_right(name: str, service: str, how: str) -> None:
    events, wanted, text = CASES[name]
    peer = Peer(sse(*events, CALLS_END, USED, done=service == "orq"))
    llm = model(service, peer)
    chunks = Both(how, llm).stream_chat()
    for chunk in chunks:  # as FunctionAgent does
        llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False)
        json.dumps(chunk.message.additional_kwargs)
    last = chunks[-1]
    selections = llm.get_tool_calls_from_response(last)
    assert [(each.tool_name, each.tool_kwargs) for each in selections] == wanted
    assert all(isinstance(each.tool_id, str) and each.tool_id for each in selections)
    assert len({each.tool_id for each in selections}) == len(selections)
    blocks = [block for block in last.message.blocks if isinstance(block, ToolCallBlock)]
    listed = last.message.additional_kwargs["tool_calls"]
    assert [block.tool_call_id for block in blocks] == [call["id"] for call in listed]
    assert [block.tool_name for block in blocks] == [call["function"]["name"] for call in listed]
    assert last.message.content == text == "".join(chunk.delta or "" for chunk in chunks)
    assert last.raw["usage"] == USAGE
    if name != "arguments that are no JSON":
        assert [block.tool_kwargs for block in blocks] == [arguments for _, arguments in wanted]


@pytest.mark.parametrize("name", CASES)
def test_ids_stay_the_same_from_chunk_to_chunk(name: str) -> None:
    events, _, _ = CASES[name]
    llm = model("orq", Peer(sse(*events, CALLS_END)))
    known: list[str] = []
    for chunk in llm.stream_chat(HI):
        ids = [
            each.tool_id
            for each in llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False)
        ]
        assert ids[: len(known)] == known
        known = ids


@pytest.mark.parametrize(
    ("file", "service", "name", "arguments"),
    [
        ("orq.router-chat.stream-current-tools.sse", "orq", "get_weather", {"city": "Brno"}),
        ("orq.router-chat.stream-seed-tools.sse", "orq", "get_weather", {"city": "Brno"}),
        (
            "atoma.chat.stream-tools.sse",
            "atoma",
            "get_current_weather",
            {"location": "Brno"},
        ),
    ],
)
def test_recorded_streams(file: str, service: str, name: str, arguments: Any, how: str) -> None:
    content = (WIRE / file).read_bytes()
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content)
    llm = model(service, Peer(answer))
    last = Both(how, llm).stream_chat()[-1]
    selection = llm.get_tool_calls_from_response(last)[0]
    assert (selection.tool_name, selection.tool_kwargs) == (name, arguments)
    assert all(type(count) is int for count in last.raw.get("usage", {}).values())


def test_recorded_thoughts(how: str) -> None:
    content = (WIRE / "atoma.chat.stream-reasoning.sse").read_bytes()
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content)
    chunks = Both(how, model("atoma", Peer(answer))).stream_chat()
    thinking, text = chunks[-1].message.blocks
    deltas = [chunk.additional_kwargs.get("thinking_delta") or "" for chunk in chunks]
    assert thinking.content == "".join(deltas) != ""
    assert text.text == "".join(chunk.delta or "" for chunk in chunks) != ""


@pytest.mark.parametrize(
    ("events", "done", "error"),
    [
        ([*said("Hel")], False, BrokenAnswer),
        ([*said("Hel"), {"error": {"message": "boom", "code": 500}}], False, ServiceError),
        ([*said("Hel"), {"error": "boom"}], True, ServiceError),
        ([*said("Hel"), b"event: error\ndata: boom\n\n"], False, ServiceError),
        ([*said("Hel"), b"data: {nonsense\n\n"], True, BadAnswer),
        ([called(piece(HALF, "f", "a", 0))], False, BrokenAnswer),
    ],
)
def test_a_broken_stream_raises_after_what_came(
    events: list[Any], done: bool, error: type[Exception], how: str
) -> None:
    chunks: list[Any] = []
    with pytest.raises(error):
        Both(how, model("orq", Peer(sse(*events, done=done)))).stream_chat(into=chunks)
    assert chunks
    assert chunks[-1].message.content in {"Hel", ""}


def test_a_truncated_recording_raises(how: str) -> None:
    content = (WIRE / "atoma.chat.stream-truncated.sse").read_bytes()
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content)
    with pytest.raises(BrokenAnswer):
        Both(how, model("atoma", Peer(answer))).stream_chat()


def test_an_error_with_status_200(how: str) -> None:
    answer = httpx.Response(200, json={"error": {"message": "boom"}})
    with pytest.raises(ServiceError, match="boom"):
        Both(how, model("orq", Peer(answer))).chat()


def test_a_stream_without_end_marker_but_with_a_reason_is_whole(how: str) -> None:
    chunks = Both(how, model("atoma", Peer(sse(*said("ok"), END, done=False)))).stream_chat()
    assert chunks[-1].message.content == "ok"
