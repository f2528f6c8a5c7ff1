"""The words that services and frameworks meet in: call, reply, delta, tool call, usage.

Everything here is a value. Adapters make a `Call` out of a framework's messages and read a
`Reply` or a stream of `Delta`s; services turn a `Call` into a body and an answer into these.

Values of which every call or event makes one are not frozen, though nothing changes them once they
are made: it takes five times as long to make a frozen one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Part: TypeAlias = Mapping[str, Any]
"""A content part in the common form: `{"type": "text", "text": ...}`, `image_url`, `input_audio`,
`file`; `cache_control` may stand beside `type`."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for; `arguments` is JSON text, just as the service sent it."""

    id: str
    name: str
    arguments: str = "{}"
    thought_signature: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought before it spoke, with what a provider needs to see it again."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


@dataclass(slots=True)
class Message:
    """One turn. `role` is system, developer, user, assistant or tool."""

    role: str
    content: str | tuple[Part, ...] = ""
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    failed: bool = False
    """For a tool message: the tool raised, and `content` says how."""
    refusal: str | None = None
    reasoning: Reasoning | None = None
    audio_id: str | None = None
    cache_control: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A tool choice that names the one tool to call."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | Named


@dataclass(slots=True, kw_only=True)
class Call:
    """One request for an answer in neutral words: to `messages`, or to a bare `prompt`.

    `options` holds the service's other documented fields under their documented names; a value of
    None means unset. `extra_body` is sent as it is, whatever the service documents.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    model: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    """Ids that the service wants in the path, such as `project_id`."""
    stream: bool = False
    usage: bool = True
    """Ask for token usage in the stream, where that has to be asked for."""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    """`{"type": "function", "function": {"name", "description", "parameters", "strict"}}` each."""
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    stream_mode: str = "auto"
    """How `{response}` events are read: `auto`, `delta` or `cumulative`."""


@dataclass(slots=True)
class Usage:
    """Tokens as whole numbers. A detail that the service did not tell is None."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    cache_creation_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    reasoning_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


@dataclass(slots=True)
class ToolFragment:
    """A piece of a streamed tool call, already assigned to its call.

    `index` counts the calls of one answer from 0. `id` and `name` come once, with a call's first
    fragment (a name in pieces comes in pieces); `arguments` is the next piece of its JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    thought_signature: str | None = None


@dataclass(slots=True)
class Delta:
    """What one event of an answer adds.

    Over a whole stream, each choice gets one `finish_reason` and one `metadata`, and one delta
    carries `usage`. `raw` is the event itself, as parsed.
    """

    text: str = ""
    reasoning: str = ""
    tool_fragments: Sequence[ToolFragment] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    index: int = 0
    """Which of `n` choices this adds to."""
    refusal: str | None = None
    logprobs: Mapping[str, Any] | None = None
    reasoning_signature: str | None = None
    redacted_reasoning: str | None = None
    audio: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    """`id`, `model`, `created` and whatever else the service says about the answer as a whole."""
    raw: Any = None

    def says_something(self) -> bool:
        """Whether it adds anything to the answer."""
        return bool(
            self.text
            or self.reasoning
            or self.tool_fragments
            or self.finish_reason
            or self.usage
            or self.metadata
            or self.refusal
            or self.logprobs
            or self.reasoning_signature
            or self.redacted_reasoning
            or self.audio
        )


@dataclass(slots=True)
class Choice:
    """One of the answers that a reply holds."""

    index: int = 0
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    reasoning: Reasoning | None = None
    refusal: str | None = None
    logprobs: Mapping[str, Any] | None = None
    audio: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Reply:
    """A whole answer. `raw` is the last event or the body, as parsed."""

    choices: tuple[Choice, ...]
    usage: Usage | None = None
    raw: Any = None

    @property
    def choice(self) -> Choice:
        """The first choice."""
        return self.choices[0]

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].text
