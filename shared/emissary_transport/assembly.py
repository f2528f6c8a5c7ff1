"""A stream of deltas put together to the whole answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emissary_transport.types import Choice, Delta, Json, Reasoning, Reply, ToolCall, Usage


@dataclass(slots=True)
class _Whole:
    """One choice being put together."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: dict[int, list[Any]] = field(default_factory=dict)
    finish_reason: str | None = None
    refusal: str = ""
    logprobs: Json = field(default_factory=dict)
    signature: str | None = None
    redacted: str | None = None
    audio: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)

    def add(self, delta: Delta) -> None:
        if delta.text:
            self.texts.append(delta.text)
        if delta.reasoning:
            self.thoughts.append(delta.reasoning)
        for piece in delta.tool_fragments:
            parts = self.calls.setdefault(piece.index, [piece.id or "", "", [], None])
            parts[1] += piece.name or ""
            parts[2].append(piece.arguments)
            parts[3] = piece.thought_signature or parts[3]
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.refusal += delta.refusal or ""
        self.signature = delta.reasoning_signature or self.signature
        self.redacted = delta.redacted_reasoning or self.redacted
        if delta.audio:
            self.audio |= delta.audio
        if delta.metadata:
            self.metadata |= delta.metadata
        if delta.logprobs:
            self._add_logprobs(delta.logprobs)

    def _add_logprobs(self, logprobs: Mapping[str, Any]) -> None:
        for name, tokens in logprobs.items():
            known = self.logprobs.get(name)
            if isinstance(known, list) and isinstance(tokens, list):
                tokens = [*known, *tokens]
            self.logprobs[name] = tokens or known

    def choice(self, index: int, shared: Json) -> Choice:
        reasoning = None
        if self.thoughts or self.signature or self.redacted:
            reasoning = Reasoning("".join(self.thoughts), self.signature, self.redacted)
        return Choice(
            index=index,
            text="".join(self.texts),
            tool_calls=self._tool_calls() if self.calls else (),
            finish_reason=self.finish_reason,
            reasoning=reasoning,
            refusal=self.refusal or None,
            logprobs=self.logprobs or None,
            audio=self.audio or None,
            metadata=shared | self.metadata,
        )

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(call_id, name, "".join(arguments), signature)
            for _, (call_id, name, arguments, signature) in sorted(self.calls.items())
        )


class Assembly:
    """An answer being put together from the deltas that it comes in."""

    def __init__(self) -> None:
        self._choices: dict[int, Delta | _Whole] = {}
        self._shared: Json = {}
        self._usage: Usage | None = None
        self._raw: Any = None

    def add(self, delta: Delta) -> None:
        """Take what came next."""
        first = self._choices.get(delta.index)
        if first is None and _is_simple(delta):  # mostly all that comes of a whole answer
            self._choices[delta.index] = delta
        else:
            self._whole(delta.index, first).add(delta)
        self._usage, self._raw = delta.usage or self._usage, delta.raw or self._raw
        if delta.metadata and not delta.finish_reason:
            self._shared |= delta.metadata

    def _whole(self, index: int, first: Delta | _Whole | None) -> _Whole:
        if isinstance(first, _Whole):
            return first
        whole = self._choices[index] = _Whole()
        if first is not None:
            whole.add(first)
        return whole

    def reply(self) -> Reply:
        """The whole answer, which has a first choice in any case."""
        self._choices.setdefault(0, Delta())
        choices = [
            _choice(first, self._shared)
            if isinstance(first, Delta)
            else first.choice(index, self._shared)
            for index, first in sorted(self._choices.items())
        ]
        return Reply(tuple(choices), self._usage, self._raw)


def _is_simple(delta: Delta) -> bool:
    return not (delta.tool_fragments or delta.logprobs or delta.audio)


def _choice(delta: Delta, shared: Json) -> Choice:
    """The choice that one simple delta is."""
    reasoning = delta.reasoning, delta.reasoning_signature, delta.redacted_reasoning
    return Choice(
        index=delta.index,
        text=delta.text,
        finish_reason=delta.finish_reason,
        reasoning=Reasoning(*reasoning) if any(reasoning) else None,
        refusal=delta.refusal or None,
        metadata={**shared, **(delta.metadata or {})},
    )


def assembled(deltas: Iterable[Delta]) -> Reply:
    """The whole answer that a stream of deltas adds up to."""
    answer = Assembly()
    for delta in deltas:
        answer.add(delta)
    return answer.reply()
