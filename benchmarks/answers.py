"""Ready-made answers, as bytes on the wire: one HTTP chunk an event.

A prompt says what it wants: `whole`, `text-2000`, `tool-2000` or `paced-100`.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

WISH = re.compile(rb"\b(whole|text|tool|paced)-(\d+)\b")
WORDS = ("the ", "river ", "Vltava ", "flows ", "slowly ", "through ", "Prague ", "at ", "night. ")
TEXT = "The Vltava flows through Prague."
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"
EVENTS_A_WRITE = 64


def whole(*, bare: bool = False) -> bytes:
    """A whole answer; `bare` in the form of Emissary's deployment API."""
    usage = {"prompt_tokens": 14, "completion_tokens": 7, "total_tokens": 21}
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = _envelope("chat.completion") | {"choices": [choice], "usage": usage}
    return json_answer({"id": "answer-1", "response": TEXT} if bare else answer)


def json_answer(value: Any) -> bytes:
    """A value as the body of an answer."""
    body = json.dumps(value).encode()
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return (head % len(body)).encode() + body


@functools.lru_cache(maxsize=32)
def stream(kind: str, count: int, *, marked: bool) -> tuple[bytes, ...]:
    """The writes of a stream with so many chunks of text or fragments of one tool call."""
    deltas = _text_deltas(count) if kind == "text" else _tool_deltas(count)
    events = [http_chunk(event(delta)) for delta in deltas]
    events += closing("stop" if kind == "text" else "tool_calls", marked=marked)
    return tuple(
        b"".join(events[at : at + EVENTS_A_WRITE]) for at in range(0, len(events), EVENTS_A_WRITE)
    )


def text_of(count: int) -> str:
    """What the chunks of a text stream say together."""
    return "".join(words_of(count))


def arguments_of(count: int) -> dict[str, str]:
    """What the fragments of a tool stream mean together."""
    return {"text": text_of(count - 2)}


def words_of(count: int) -> list[str]:
    """What the chunks of a text stream say one by one."""
    return [WORDS[number % len(WORDS)] for number in range(count)]


def fragments_of(count: int) -> list[str]:
    """The fragments of a tool call's arguments."""
    return ['{"text": "', *words_of(count - 2), '"}']


def _text_deltas(count: int) -> list[dict[str, Any]]:
    return [{"content": word} for word in words_of(count)]


def _tool_deltas(count: int) -> list[dict[str, Any]]:
    opening, *others = fragments_of(count)
    function = {"name": "record", "arguments": opening}
    pieces: list[dict[str, Any]] = [
        {"index": 0, "id": "call_1", "type": "function", "function": function},
        *({"index": 0, "function": {"arguments": arguments}} for arguments in others),
    ]
    return [{"tool_calls": [piece]} for piece in pieces]


def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _data(_envelope("chat.completion.chunk") | {"choices": [choice]})


def closing(reason: str, *, marked: bool) -> list[bytes]:
    """The last HTTP chunks of a stream: finish reason, usage, and the end marker if it has one."""
    usage = {"prompt_tokens": 14, "completion_tokens": 7, "total_tokens": 21}
    told = _data(_envelope("chat.completion.chunk") | {"choices": [], "usage": usage})
    marks = [http_chunk(b"data: [DONE]\n\n")] if marked else []
    return [http_chunk(event({}, reason)), http_chunk(told), *marks, LAST_CHUNK]


def http_chunk(data: bytes) -> bytes:
    """Data as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _data(value: Any) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def _envelope(kind: str) -> dict[str, Any]:
    model = "openai/gpt-4o-2024-08-06"
    return {"id": "chatcmpl-a1b2c3d4e5f6", "object": kind, "created": 1760534948, "model": model}
