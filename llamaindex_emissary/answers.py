"""From the transport's replies and deltas to LlamaIndex's responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from emissary_transport import Delta, Reasoning, Reply, ToolFragment, Usage
from emissary_transport.mould import Mould
from llamaindex_emissary.growing_json import GrowingJson

_INPUTS = ("cached_tokens", "cache_creation_tokens", "audio_input_tokens")
_OUTPUTS = (
    "reasoning_tokens",
    "audio_output_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
)


def from_reply(reply: Reply) -> ChatResponse:
    """A whole answer as a response: its first choice."""
    choice = reply.choice
    answer = Answer()
    answer.text = choice.text
    answer.reasoning = choice.reasoning or _NO_REASONING
    answer.extras = _extras(choice.refusal, choice.audio)
    for index, call in enumerate(choice.tool_calls):
        answer.add_fragment(
            ToolFragment(index, call.id, call.name, call.arguments, call.thought_signature)
        )
    return _RESPONSE.cast(
        {
            "message": answer.message(),
            "raw": raw_of(reply.raw, reply.usage),
            "delta": None,
            "logprobs": logprobs_of(choice.logprobs),
            "additional_kwargs": token_counts(reply.usage),
        }
    )


def as_completion(response: ChatResponse) -> CompletionResponse:
    """A response, or a chunk of one, as LlamaIndex has it for prompts."""
    return CompletionResponse(
        text=response.message.content or "",
        additional_kwargs={**response.message.additional_kwargs, **response.additional_kwargs},
        raw=response.raw,
        logprobs=response.logprobs,
        delta=response.delta,
    )


class Answer:
    """An answer as it grows: deltas in, chunks out, each of them with all that came so far."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = _NO_REASONING
        self.extras: dict[str, Any] = {}
        self._calls: dict[int, _Call] = {}

    def with_delta(self, delta: Delta) -> ChatResponse | None:
        """The answer with this delta, or nothing if it adds to another one than the first."""
        if delta.index:
            return None
        facts = token_counts(delta.usage) if delta.usage else {}
        self.text += delta.text
        if delta.reasoning or delta.reasoning_signature or delta.redacted_reasoning:
            facts["thinking_delta"] = delta.reasoning
            self._think(delta)
        for fragment in delta.tool_fragments:
            self.add_fragment(fragment)
        if delta.refusal:
            self.extras["refusal"] = self.extras.get("refusal", "") + delta.refusal
        if delta.audio:
            self.extras.update(_extras(None, delta.audio))
        return _RESPONSE.cast(
            {
                "message": self.message(),
                "raw": raw_of(delta.raw, delta.usage),
                "delta": delta.text,
                "logprobs": logprobs_of(delta.logprobs) if delta.logprobs else None,
                "additional_kwargs": facts,
            }
        )

    def add_fragment(self, fragment: ToolFragment) -> None:
        """Add a piece of a tool call."""
        call = self._calls.get(fragment.index)
        if call is None:
            call = self._calls[fragment.index] = _Call()
        call.add(fragment)

    def message(self) -> ChatMessage:
        """What was said so far, as a message of its own."""
        blocks: list[Any] = [_TEXT.cast({"block_type": "text", "text": self.text})]
        if self.reasoning is not _NO_REASONING:
            blocks.insert(0, _thinking(self.reasoning))
        extras = dict(self.extras)
        if self._calls:
            blocks += [call.block for call in self._calls.values()]
            extras["tool_calls"] = [call.listed for call in self._calls.values()]
        return _MESSAGE.cast({"role": _ROLE, "additional_kwargs": extras, "blocks": blocks})

    def _think(self, delta: Delta) -> None:
        known = self.reasoning
        self.reasoning = Reasoning(
            known.text + delta.reasoning,
            delta.reasoning_signature or known.signature,
            delta.redacted_reasoning or known.redacted,
        )


_NO_REASONING = Reasoning()
_ROLE = MessageRole.ASSISTANT
_TEXT = Mould(TextBlock(text=""))
_MESSAGE = Mould(ChatMessage(role=_ROLE, blocks=[TextBlock(text="")]))
_RESPONSE = Mould(ChatResponse(message=ChatMessage(role=_ROLE)))


@dataclass(slots=True)
class _Call:
    """A tool call as it grows, in both forms that LlamaIndex knows; each made anew by a piece."""

    id: str | None = None
    name: str = ""
    arguments: str = ""
    signature: str | None = None
    parsed: GrowingJson = field(default_factory=GrowingJson)
    _block: ToolCallBlock | None = None
    _listed: dict[str, Any] | None = None

    def add(self, fragment: ToolFragment) -> None:
        self.id = fragment.id or self.id
        self.name += fragment.name or ""
        self.signature = fragment.thought_signature or self.signature
        if fragment.arguments:
            self.arguments += fragment.arguments
            self.parsed.feed(fragment.arguments)
        self._block = self._listed = None

    @property
    def block(self) -> ToolCallBlock:
        """The call with its arguments as far as they are known, or as text if they are no JSON."""
        if self._block is None:
            arguments = self.arguments if self.parsed.broken else self.parsed.value
            self._block = ToolCallBlock(
                tool_call_id=self.id, tool_name=self.name, tool_kwargs=arguments
            )
        return self._block

    @property
    def listed(self) -> dict[str, Any]:
        """The call as plain data, its arguments as the text that came."""
        if self._listed is None:
            function = {"name": self.name, "arguments": self.arguments}
            self._listed = {"id": self.id, "type": "function", "function": function}
            if self.signature:
                self._listed["thought_signature"] = self.signature
        return self._listed


def _thinking(reasoning: Reasoning) -> ThinkingBlock:
    told = {"signature": reasoning.signature, "redacted": reasoning.redacted}
    return ThinkingBlock(
        content=reasoning.text,
        additional_information={name: value for name, value in told.items() if value},
    )


def _extras(refusal: str | None, audio: Mapping[str, Any] | None) -> dict[str, Any]:
    """What has no block of its own: a refusal, and the id by which spoken audio is referred to."""
    extras: dict[str, Any] = {"refusal": refusal} if refusal else {}
    if audio and audio.get("id"):
        extras["audio_id"] = audio["id"]
    return extras


def raw_of(raw: Any, usage: Usage | None) -> dict[str, Any]:
    """What the service sent, as a dict, with usage as whole numbers or none at all.

    >>> raw_of({"id": "x", "usage": {"prompt_tokens": None}}, None)
    {'id': 'x'}
    """
    told: dict[str, Any] = raw if isinstance(raw, dict) else {}
    if isinstance(raw, str):
        told = {"response": raw}
    if usage is None and "usage" not in told:
        return told
    told = {**told}
    told.pop("usage", None)
    if usage:
        told["usage"] = usage_of(usage)
    return told


def usage_of(usage: Usage) -> dict[str, Any]:
    """Usage under the names that LlamaIndex's token counters read, without what is not known."""
    inputs, outputs = _known(usage, _INPUTS), _known(usage, _OUTPUTS)
    return (
        token_counts(usage)
        | ({"prompt_tokens_details": inputs} if inputs else {})
        | ({"completion_tokens_details": outputs} if outputs else {})
    )


def token_counts(usage: Usage | None) -> dict[str, Any]:
    """The three counts, or nothing."""
    if usage is None:
        return {}
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def _known(usage: Usage, names: tuple[str, ...]) -> dict[str, int]:
    return {
        name.replace("_input", "").replace("_output", ""): count
        for name in names
        if (count := getattr(usage, name)) is not None
    }


def logprobs_of(told: Mapping[str, Any] | None) -> list[list[LogProb]] | None:
    """For each token the likeliest ones, or only itself."""
    told = told or {}
    if isinstance(told.get("tokens"), list):
        return _completion_logprobs(told["tokens"], told)
    content = told.get("content")
    if not isinstance(content, list):
        return None
    return [
        [_logprob(each) for each in _list(token.get("top_logprobs")) or [token]]
        for token in _list(content)
    ]


def _list(told: Any) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []


def _logprob(token: Mapping[str, Any]) -> LogProb:
    raw = token.get("bytes")
    return LogProb(
        token=str(token.get("token") or ""),
        logprob=_number(token.get("logprob")),
        bytes=[each for each in raw if isinstance(each, int)] if isinstance(raw, list) else [],
    )


def _number(told: Any) -> float:
    return told if isinstance(told, (int, float)) else 0.0


def _completion_logprobs(tokens: list[Any], told: Mapping[str, Any]) -> list[list[LogProb]]:
    """The same from the lists side by side that completions have; the first token has none."""
    own, likely = _row(told.get("token_logprobs")), _row(told.get("top_logprobs"))
    each: list[list[LogProb]] = []
    for token, logprob, top in zip(tokens, own, likely, strict=False):
        ranked = top.items() if top and isinstance(top, Mapping) else [(token, logprob)]
        each.append(
            [LogProb(token=str(text), logprob=_number(number), bytes=[]) for text, number in ranked]
        )
    return each


def _row(told: Any) -> Iterable[Any]:
    """A list, and nothing for ever after it."""
    return chain(told if isinstance(told, list) else (), repeat(None))
