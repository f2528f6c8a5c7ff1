"""What the chat bodies of the services have in common: turns in, pieces out."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emissary_emulator.brain import (
    JsonObject,
    Message,
    Prompt,
    Reply,
    Spoken,
    Tool,
    ToolCall,
    count_prompt,
    count_tokens,
    think,
    tokens,
)
from emissary_emulator.service import Ask
from emissary_emulator.shapes import Problem

_REASONERS = re.compile(r"reason|(?:^|[/_-])(?:r1|o1|o3)(?:$|[._-])", re.I)
_MEDIA = {"image_url": "an image", "input_audio": "a sound", "file": "a file"}
_WINDOW, _TINY_WINDOW = 200_000, 256
PREFACE = "Let me look that up."


def is_known(model: str) -> bool:
    """Whether a model can be had: all but those called unknown or missing."""
    return not re.search(r"unknown|missing", model, re.I)


def window(model: str) -> int:
    """The context window of a model, in tokens."""
    return _TINY_WINDOW if "tiny" in model.lower() else _WINDOW


def reasons(model: str, body: JsonObject) -> bool:
    """Whether an answer comes with reasoning: by the model's name or by request."""
    effort, thinking = body.get("reasoning_effort"), body.get("thinking") or {}
    if effort == "none" or thinking.get("type") == "disabled":
        return False
    return bool(effort or thinking or _REASONERS.search(model))


def too_long(prompt: Prompt, model: str) -> str | None:
    """What to say when the prompt does not fit into the model's window."""
    size, room = count_prompt(prompt), window(model)
    if size <= room:
        return None
    return (
        f"This model's maximum context length is {room} tokens, but the messages are {size} tokens "
        "(context_length_exceeded). Please shorten the messages."
    )


def prompt_from(body: JsonObject, *, limit: float | None, reasoning: bool = False) -> Prompt:
    """The prompt in an OpenAI-like body."""
    choice = body.get("tool_choice") or "auto"
    shape = body.get("response_format") or {"type": "text"}
    named = shape.get("json_schema") or {}
    stop = body.get("stop") or ()
    return Prompt(
        messages=tuple(turns(body["messages"])),
        tools=tuple(_tool(tool["function"]) for tool in body.get("tools") or ()),
        choice=choice if isinstance(choice, str) else choice["function"]["name"],
        parallel=body.get("parallel_tool_calls") is not False,
        json_only=shape["type"] != "text",
        schema=named.get("schema") if shape["type"] == "json_schema" else None,
        reasoning=reasoning,
        limit=None if limit is None else int(limit),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )


def turns(messages: Sequence[JsonObject]) -> Iterator[Message]:
    """The messages of a body; a tool's turn knows the call it answers."""
    calls: dict[str, ToolCall] = {}
    for message in messages:
        made = {call["id"]: _call(call) for call in message.get("tool_calls") or ()}
        calls |= made
        content = message.get("content")
        parts = content if isinstance(content, list) else []
        text = "\n".join(part.get("text", "") for part in parts if part["type"] == "text")
        yield Message(
            role=message["role"],
            text=content if isinstance(content, str) else text,
            calls=tuple(made.values()),
            media=tuple(_MEDIA[part["type"]] for part in parts if part["type"] in _MEDIA),
            source=calls.get(message.get("tool_call_id") or ""),
        )


def misplaced(messages: Sequence[JsonObject]) -> Problem | None:
    """A tool turn that answers no call, or a call that no tool turn answers."""
    waiting: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            called = message.get("tool_call_id")
            if called is None and waiting:
                called = next(iter(waiting))
            if called not in waiting:
                return Problem(
                    f"messages[{place}].tool_call_id",
                    f"{called!r} answers no tool call of an assistant message before it",
                )
            del waiting[called]
        elif waiting:
            break
        waiting |= {call["id"]: place for call in message.get("tool_calls") or ()}
    if waiting:
        ids = ", ".join(waiting)
        return Problem(
            f"messages[{next(iter(waiting.values()))}].tool_calls",
            f"must be followed by tool messages that answer each tool_call_id; missing: {ids}",
        )
    return None


def reply_to(ask: Ask, prompt: Prompt) -> Reply:
    """What the model says, made longer or wordier when the caller asked for that."""
    reply = think(prompt)
    if ask.words:
        text = "".join(itertools.islice(itertools.cycle(_FILLER), ask.words)).strip()
        spoken = count_tokens(text) + reply.reasoning_tokens + 1
        return replace(reply, text=text, calls=(), finish="stop", completion_tokens=spoken)
    if ask.preface and reply.calls:
        spoken = reply.completion_tokens + count_tokens(PREFACE)
        return replace(reply, text=PREFACE, completion_tokens=spoken)
    return reply


@dataclass(frozen=True)
class Piece:
    """A step of a streamed answer: start, reasoning, text, call, arguments or finish."""

    kind: str
    choice: int
    text: str = ""
    number: int = 0
    call: Spoken | None = None


def pieces(reply: Reply, choices: int = 1) -> list[Piece]:
    """The answer in steps, the choices taking turns."""
    each = [list(_steps(reply, choice)) for choice in range(choices)]
    return [piece for row in itertools.zip_longest(*each) for piece in row if piece is not None]


def _steps(reply: Reply, choice: int) -> Iterator[Piece]:
    yield Piece("start", choice)
    yield from (Piece("reasoning", choice, token) for token in tokens(reply.reasoning))
    yield from (Piece("text", choice, token) for token in tokens(reply.text))
    for number, call in enumerate(reply.calls):
        whole = number > 0  # later calls come in one piece, as the recorded streams have it
        first = call.arguments if whole else ""
        yield Piece("call", choice, first, number, call)
        if not whole:
            yield from (
                Piece("arguments", choice, token, number, call) for token in tokens(call.arguments)
            )
    yield Piece("finish", choice, reply.finish)


def token_logprobs(text: str, top: int) -> list[JsonObject]:
    """An entry for each token; the numbers come from the token alone."""
    return [_logprob(token) | {"top_logprobs": _likely(token, top)} for token in tokens(text)]


def _likely(token: str, top: int) -> list[JsonObject]:
    others = [token, *(f"{token}{n}" for n in range(1, top))]
    return [_logprob(other, less=n) for n, other in enumerate(others[:top])]


def _logprob(token: str, less: int = 0) -> JsonObject:
    digest = hashlib.blake2b(token.encode(), digest_size=2).digest()
    value = -round(int.from_bytes(digest, "big") / 1_000_000 + less, 6)
    return {"token": token, "logprob": value, "bytes": list(token.encode())}


def _tool(function: JsonObject) -> Tool:
    return Tool(
        function["name"], function.get("description") or "", function.get("parameters") or {}
    )


def _call(call: JsonObject) -> ToolCall:
    try:
        arguments: Any = json.loads(call["function"]["arguments"] or "{}")
    except ValueError:
        arguments = {}
    return ToolCall(call["function"]["name"], arguments if isinstance(arguments, dict) else {})


_FILLER = tokens(
    " The Vltava flows through Prague, past the castle and under the old bridges, and on to the "
    "north, where it meets the Elbe."
)


def continued(reply: Reply, prompt: str) -> Reply:
    """The reply as a continuation of a prompt: with a space before it when it needs one."""
    space = "" if not reply.text or prompt[-1:].isspace() or not prompt else " "
    return replace(reply, text=space + reply.text)
