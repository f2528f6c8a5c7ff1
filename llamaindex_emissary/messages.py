"""From LlamaIndex's messages to the transport's: what cannot be sent is an error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from emissary_transport import Message, Reasoning, Service, ToolCall
from emissary_transport.types import Part

_ROLES = {
    MessageRole.FUNCTION: "tool",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
}


def to_messages(service: Service, messages: Sequence[ChatMessage]) -> list[Message]:
    """The messages in neutral words; a tool's result without its call becomes a user's message.

    Raises:
        ValueError: A message holds what has no place in a request.
    """
    turns: list[Message] = []
    unanswered: list[str] = []
    known: set[str] = set()
    for message in messages:
        role = _ROLES.get(message.role, message.role.value)
        if role == "tool":
            given = message.additional_kwargs.get("tool_call_id")
            call_id = str(given) if given else next(iter(unanswered), "")
            turns.append(
                _result(service, message, call_id)
                if call_id in known
                else _orphan(service, message)
            )
            unanswered = [each for each in unanswered if each != call_id]
            continue
        turn = _turn(service, role, message, len(known))
        turns.append(turn)
        if turn.tool_calls:
            unanswered = [call.id for call in turn.tool_calls]
            known.update(unanswered)
    return turns


def _turn(service: Service, role: str, message: ChatMessage, count: int) -> Message:
    extras = message.additional_kwargs
    if role != "assistant":
        return Message(role, _content(service, message))
    return Message(
        role,
        _content(service, message),
        tool_calls=tuple(_tool_calls(message, count)),
        refusal=extras.get("refusal"),
        reasoning=_reasoning(message),
        audio_id=extras.get("audio_id"),
    )


def _result(service: Service, message: ChatMessage, call_id: str) -> Message:
    name = message.additional_kwargs.get("name")
    return Message(
        "tool",
        _content(service, message),
        name=str(name) if name else None,
        tool_call_id=call_id,
        cache_control=_cache_control(message),
    )


def _orphan(service: Service, message: ChatMessage) -> Message:
    """A result whose call is gone, as when a memory was cut: no service takes it as a result."""
    content = _content(service, message)
    lead = "Result of an earlier tool call:"
    if isinstance(content, str):
        return Message("user", f"{lead}\n{content}")
    return Message("user", ({"type": "text", "text": lead}, *content))


def _content(service: Service, message: ChatMessage) -> str | tuple[Part, ...]:
    """Text as one string where all is text, since many servers take no lists."""
    parts: list[dict[str, Any]] = []
    for block in message.blocks:
        if isinstance(block, (ThinkingBlock, ToolCallBlock)):
            if message.role in {MessageRole.USER, MessageRole.SYSTEM, MessageRole.DEVELOPER}:
                raise ValueError(
                    f"A {message.role.value} message can't hold a {type(block).__name__}."
                )
        elif isinstance(block, CachePoint):
            _mark(service, message, block, parts)
        else:
            parts.append(_part(block))
    if all(part.keys() == {"type", "text"} for part in parts):
        return "\n".join(part["text"] for part in parts)
    return tuple(part for part in parts if part.get("text") != "")


def _part(block: Any) -> dict[str, Any]:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ImageBlock):
        detail = {"detail": block.detail} if block.detail else {}
        return {"type": "image_url", "image_url": {"url": _image_url(block), **detail}}
    if isinstance(block, AudioBlock):
        return {"type": "input_audio", "input_audio": _audio(block)}
    if isinstance(block, DocumentBlock):
        return {"type": "file", "file": _file(block)}
    raise ValueError(
        f"A {type(block).__name__} can't be sent: none of these services takes it. "
        "Turn it into a TextBlock or leave it out."
    )


def _image_url(block: ImageBlock) -> str:
    if block.url:
        return str(block.url)
    encoded = block.resolve_image(as_base64=True).read()
    return f"data:{block.image_mimetype or 'image/jpeg'};base64,{encoded.decode()}"


def _audio(block: AudioBlock) -> dict[str, Any]:
    if block.url:
        raise ValueError("An AudioBlock can't be sent by its url: give its bytes or its path.")
    encoded = block.resolve_audio(as_base64=True).read()
    return {"data": encoded.decode(), "format": block.format or "mp3"}


def _file(block: DocumentBlock) -> dict[str, Any]:
    name = {"filename": block.title} if block.title else {}
    if block.url:
        return {"uri": block.url, **name}
    return {"file_data": block.inline_url(), **name}


def _mark(
    service: Service, message: ChatMessage, block: CachePoint, parts: list[dict[str, Any]]
) -> None:
    """Put a cache point beside the part that it follows; with a tool's result it is the message's.

    Raises:
        ValueError: The service knows no cache points.
    """
    if "cache_control" not in service.fields:
        raise ValueError(f"{service.title} takes no CachePoint.")
    if parts and message.role not in {MessageRole.TOOL, MessageRole.FUNCTION}:
        parts[-1]["cache_control"] = block.cache_control.model_dump(exclude={"block_type"})


def _cache_control(message: ChatMessage) -> Mapping[str, Any] | None:
    points = (block for block in message.blocks if isinstance(block, CachePoint))
    point = next(points, None)
    return point.cache_control.model_dump(exclude={"block_type"}) if point else None


def _reasoning(message: ChatMessage) -> Reasoning | None:
    """The thoughts that the provider wants back word for word; others are not sent again."""
    for block in message.blocks:
        if isinstance(block, ThinkingBlock):
            told = block.additional_information
            if told.get("signature") or told.get("redacted"):
                return Reasoning(block.content or "", told.get("signature"), told.get("redacted"))
    return None


def _tool_calls(message: ChatMessage, count: int) -> Iterator[ToolCall]:
    """The calls of a turn: its blocks, or the list that older integrations keep beside them."""
    listed = listed_calls(message)
    signatures = {call.id: call.thought_signature for call in listed}
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    calls: Iterable[ToolCall] = (
        [
            ToolCall(
                block.tool_call_id or "",
                block.tool_name,
                _arguments(block.tool_kwargs),
                signatures.get(block.tool_call_id or ""),
            )
            for block in blocks
        ]
        if blocks
        else listed
    )
    for number, call in enumerate(calls, count):
        yield call if call.id else ToolCall(f"call_{number}", call.name, call.arguments)


def listed_calls(message: ChatMessage) -> list[ToolCall]:
    """The calls in a message's `additional_kwargs`, be they dicts or another SDK's objects."""
    calls = message.additional_kwargs.get("tool_calls")
    return [_listed_call(each) for each in calls] if isinstance(calls, (list, tuple)) else []


def _listed_call(call: Any) -> ToolCall:
    function = _get(call, "function")
    return ToolCall(
        str(_get(call, "id") or ""),
        str(_get(function, "name") or ""),
        _arguments(_get(function, "arguments")),
        _get(call, "thought_signature"),
    )


def _arguments(given: Any) -> str:
    """Arguments as JSON text.

    >>> _arguments({"city": "Košice"}), _arguments('{"a": 1}'), _arguments("")
    ('{"city": "Košice"}', '{"a": 1}', '{}')
    """
    if isinstance(given, str):
        return given or "{}"
    return json.dumps(given or {}, ensure_ascii=False)


def _get(value: Any, name: str) -> Any:
    """A member of a mapping, or of an object as the SDKs of other services give them."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
