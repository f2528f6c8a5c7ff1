"""LangChain's messages to a service's, and a service's answers back: pure functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages import ToolCall as LangChainToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from emissary_transport.mould import Mould
from emissary_transport.types import (
    Choice,
    Delta,
    Message,
    Reply,
    ToolCall,
    ToolFragment,
    Usage,
)
from langchain_emissary.content import (
    ASIDES,
    blocks_of_type,
    calls_of,
    parts_of,
    reasoning_of,
    refusal_of,
)


def to_messages(messages: Sequence[BaseMessage], provider: str) -> list[Message]:
    """Messages in neutral form.

    Reasoning goes back only to the provider that it came from, since others refuse its signature.

    Raises:
        ValueError: A message can't be sent.
    """
    converted: list[Message] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            converted += _human(message)
        else:
            converted.append(_message(message, provider, converted))
    return converted


def _human(message: HumanMessage) -> list[Message]:
    """A user's turn, after the tool messages for the results that stand in it as blocks."""
    if isinstance(message.content, str):
        return [Message("user", message.content, message.name)]
    results = blocks_of_type(message.content, {"tool_result"})
    turns = [
        Message(
            "tool",
            parts_of(result.get("content")),
            tool_call_id=result.get("tool_use_id"),
            failed=bool(result.get("is_error")),
            cache_control=result.get("cache_control"),
        )
        for result in results
    ]
    said = parts_of(message.content, without={"tool_result"})
    return turns if turns and not said else [*turns, Message("user", said, message.name)]


def _message(message: BaseMessage, provider: str, earlier: Sequence[Message]) -> Message:
    if isinstance(message, AIMessage):
        return _assistant(message, provider)
    content = parts_of(message.content)
    if isinstance(message, ToolMessage):
        return Message(
            "tool",
            content,
            tool_call_id=message.tool_call_id,
            failed=message.status == "error",
            cache_control=message.additional_kwargs.get("cache_control"),
        )
    if isinstance(message, FunctionMessage):
        return Message("tool", content, tool_call_id=_call_id(message.name, earlier))
    if isinstance(message, SystemMessage):
        role = message.additional_kwargs.get("__openai_role__", "system")
        return Message(role, content, message.name)
    if isinstance(message, ChatMessage):
        return Message(message.role, content, message.name)
    raise ValueError(f"A {type(message).__name__} can't be sent to a model.")


def _call_id(name: str, earlier: Sequence[Message]) -> str:
    """The id of the call that a function message, which has none, answers."""
    for message in reversed(earlier):
        for call in message.tool_calls:
            if call.name == name:
                return call.id
    raise ValueError(f"The FunctionMessage {name!r} answers no tool call of an earlier message.")


def _assistant(message: AIMessage, provider: str) -> Message:
    extras = message.additional_kwargs
    signatures = extras.get("thought_signatures") or {}
    calls = [
        (call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False))
        for call in message.tool_calls
    ] + [
        (bad["id"], bad["name"] or "unknown", bad["args"] or "")
        for bad in message.invalid_tool_calls
    ]
    is_ours = message.response_metadata.get("model_provider", provider) == provider
    return Message(
        "assistant",
        parts_of(message.content, without=ASIDES),
        message.name,
        tuple(
            ToolCall(call_id or f"call_{number}", name, arguments, signatures.get(call_id))
            for number, (call_id, name, arguments) in enumerate(calls or calls_of(message.content))
        ),
        refusal=extras.get("refusal") or refusal_of(message.content),
        reasoning=reasoning_of(message.content, extras) if is_ours else None,
        audio_id=(extras.get("audio") or {}).get("id") if is_ours else None,
    )


def from_reply(reply: Reply, provider: str, model: str) -> ChatResult:
    """A whole answer, with one generation for each choice; usage stands with the first.

    Args:
        reply: The answer.
        provider: The word for the service in `response_metadata`.
        model: What the model is called where the answer does not say so.
    """
    usage = reply.usage
    generations = [
        _generation(choice, usage if number == 0 else None, provider, model)
        for number, choice in enumerate(reply.choices)
    ]
    metadata = generations[0].message.response_metadata
    output: dict[str, Any] = {"model_name": metadata["model_name"]}
    if usage is not None:
        output["token_usage"] = metadata["token_usage"] = token_usage(usage)
    if "system_fingerprint" in metadata:
        output["system_fingerprint"] = metadata["system_fingerprint"]
    return _RESULT.cast({"generations": generations, "llm_output": output})


def _generation(choice: Choice, usage: Usage | None, provider: str, model: str) -> ChatGeneration:
    calls: list[LangChainToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in choice.tool_calls:
        raw = {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
        try:
            parsed = parse_tool_call(raw, return_id=True)
        except Exception as error:
            invalid.append(make_invalid_tool_call(raw, str(error)))
            continue
        args = parsed["args"] if parsed else None
        if isinstance(args, dict):
            calls.append(LangChainToolCall(name=call.name, args=args, id=call.id, type="tool_call"))
        elif call.arguments.strip() in {"", "null"}:
            calls.append(LangChainToolCall(name=call.name, args={}, id=call.id, type="tool_call"))
        else:
            invalid.append(make_invalid_tool_call(raw, "The arguments are not a JSON object."))
    info = _told(finish_reason=choice.finish_reason, logprobs=choice.logprobs)
    message = _ANSWER.cast(
        {
            "content": choice.text,
            "additional_kwargs": _extras(choice),
            "response_metadata": _metadata(choice.metadata, provider, model) | info,
            "type": "ai",
            "name": None,
            "id": None,
            "tool_calls": calls,
            "invalid_tool_calls": invalid,
            "usage_metadata": usage_metadata(usage) if usage else None,
        }
    )
    return _GENERATION.cast(
        {
            "text": choice.text,
            "generation_info": info,
            "type": "ChatGeneration",
            "message": message,
        }
    )


_ANSWER = Mould(AIMessage(content=""))
_GENERATION = Mould(ChatGeneration(message=AIMessage(content="")))
_RESULT = Mould(ChatResult(generations=[]))


def _extras(choice: Choice) -> dict[str, Any]:
    extras: dict[str, Any] = {"refusal": choice.refusal} if choice.refusal else {}
    if thought := choice.reasoning:
        extras |= _told(
            reasoning_content=thought.text,
            reasoning_signature=thought.signature,
            redacted_reasoning=thought.redacted,
        )
    if choice.audio:
        extras["audio"] = dict(choice.audio)
    signed = [call for call in choice.tool_calls if call.thought_signature]
    if signed:
        extras["thought_signatures"] = {call.id: call.thought_signature for call in signed}
    return extras


def from_delta(delta: Delta, provider: str, model: str) -> ChatGenerationChunk:
    """What an event adds, as a chunk; see `from_reply`."""
    metadata: dict[str, Any] = {"model_provider": provider}
    info: dict[str, Any] | None = None
    if delta.metadata is not None:
        metadata = _metadata(delta.metadata, provider, model)
    if delta.finish_reason is not None or delta.logprobs:
        info = _told(finish_reason=delta.finish_reason, logprobs=delta.logprobs)
        metadata |= info
    message = _MESSAGE.cast(
        {
            "content": delta.text,
            "additional_kwargs": {},
            "response_metadata": metadata,
            "type": "AIMessageChunk",
            "name": None,
            "id": None,
            "tool_calls": [],
            "invalid_tool_calls": [],
            "usage_metadata": None,
            "tool_call_chunks": [],
            "chunk_position": None,
        }
    )
    if delta.tool_fragments:
        _add_tool_chunks(message, delta.tool_fragments)
    if delta.reasoning or delta.refusal or delta.reasoning_signature or delta.redacted_reasoning:
        message.additional_kwargs |= _told(
            refusal=delta.refusal,
            reasoning_content=delta.reasoning,
            reasoning_signature=delta.reasoning_signature,
            redacted_reasoning=delta.redacted_reasoning,
        )
    if delta.audio:
        message.additional_kwargs["audio"] = dict(delta.audio)
    if delta.usage:
        message.usage_metadata = usage_metadata(delta.usage)
    return _CHUNK.cast(
        {
            "text": delta.text,
            "generation_info": info,
            "type": "ChatGenerationChunk",
            "message": message,
        }
    )


_MESSAGE = Mould(AIMessageChunk(content=""))
_CHUNK = Mould(ChatGenerationChunk(message=AIMessageChunk(content="")))


def _add_tool_chunks(message: AIMessageChunk, fragments: Sequence[ToolFragment]) -> None:
    """Put tool call fragments into a message chunk.

    A piece that continues a call is listed as invalid too, which is what the message's validator
    finds after trying for 40 µs to parse it; any other piece is left to the validator.
    """
    chunks: list[Any] = message.tool_call_chunks
    invalid: list[Any] = message.invalid_tool_calls
    for piece in fragments:
        name, args, call_id = piece.name, piece.arguments, piece.id
        chunks.append(
            {
                "name": name,
                "args": args,
                "id": call_id,
                "index": piece.index,
                "type": "tool_call_chunk",
            }
        )
        if _continues(args):
            invalid.append(
                {
                    "name": name,
                    "args": args,
                    "id": call_id,
                    "error": None,
                    "type": "invalid_tool_call",
                }
            )
        if piece.thought_signature and call_id:
            signatures = message.additional_kwargs.setdefault("thought_signatures", {})
            signatures[call_id] = piece.thought_signature
    if len(invalid) < len(chunks):
        message.init_tool_calls()  # type: ignore[operator]


def _continues(arguments: str) -> bool:
    """Whether a piece of arguments can't be an object of its own."""
    return arguments.lstrip()[:1] not in {"", "{"}


def _metadata(told: Any, provider: str, model: str) -> dict[str, Any]:
    """The answer's own facts, with the names that LangChain has for model and provider."""
    metadata = {name: value for name, value in told.items() if name != "model"}
    return metadata | {"model_name": told.get("model") or model, "model_provider": provider}


def _told(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value}


def usage_metadata(usage: Usage) -> UsageMetadata:
    """Token usage in LangChain's words; what the service did not tell is left out."""
    metadata: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    inputs = {
        "audio": usage.audio_input_tokens,
        "cache_creation": usage.cache_creation_tokens,
        "cache_read": usage.cached_tokens,
    }
    outputs = {"audio": usage.audio_output_tokens, "reasoning": usage.reasoning_tokens}
    if known := {name: count for name, count in inputs.items() if count is not None}:
        metadata["input_token_details"] = known
    if known := {name: count for name, count in outputs.items() if count is not None}:
        metadata["output_token_details"] = known
    return cast("UsageMetadata", metadata)


def token_usage(usage: Usage) -> dict[str, int]:
    """Token usage in the services' words, for `llm_output`."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
