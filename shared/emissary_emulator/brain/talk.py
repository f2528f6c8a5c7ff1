"""The words of the model: what it is asked, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """A tool that may be called."""

    name: str
    description: str = ""
    parameters: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool, with its arguments read."""

    name: str
    arguments: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One turn; `media` names the parts that are not text, `source` the tool that spoke."""

    role: str
    text: str
    calls: tuple[ToolCall, ...] = ()
    media: tuple[str, ...] = ()
    source: ToolCall | None = None


@dataclass(frozen=True)
class Prompt:
    """All the model is told; `choice` is none, auto, required or the name of a tool."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    parallel: bool = True
    json_only: bool = False
    schema: JsonObject | None = None
    reasoning: bool = False
    limit: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What the model means to say, before limits."""

    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True)
class Spoken:
    """A call as it was said: `arguments` is JSON text, cut off when the limit was reached."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """What the model says; `finish` is stop, length or tool_calls."""

    text: str
    calls: tuple[Spoken, ...]
    reasoning: str
    finish: str
    stopped_by: str | None
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
