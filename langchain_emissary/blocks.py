"""Content blocks for answers of our services, also in the middle of a stream.

LangChain's own best effort merges reasoning, text and parallel tool calls of one stream into each
other; blocks with an index of their own stay apart.
"""

from __future__ import annotations

from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages import content as types
from langchain_core.messages.block_translators import register_translator

PROVIDERS = ("emissary", "orq", "atoma")


def blocks_of(message: AIMessage) -> list[types.ContentBlock]:
    """The blocks of a whole message: reasoning, text, tool calls."""
    blocks = _spoken(message)
    for call in message.tool_calls:
        blocks.append(
            {"type": "tool_call", "name": call["name"], "args": call["args"], "id": call["id"]}
        )
    for bad in message.invalid_tool_calls:
        blocks.append(
            {
                "type": "invalid_tool_call",
                "name": bad["name"],
                "args": bad["args"],
                "id": bad["id"],
                "error": bad["error"],
            }
        )
    return cast("list[types.ContentBlock]", blocks)


def blocks_of_chunk(message: AIMessageChunk) -> list[types.ContentBlock]:
    """The blocks of a chunk, each with the index under which it merges with its like."""
    if message.chunk_position == "last":
        return blocks_of(message)
    blocks = _spoken(message)
    for block in blocks:
        block["index"] = "lc_rs" if block["type"] == "reasoning" else "lc_txt"
    for piece in message.tool_call_chunks:
        blocks.append(
            {
                "type": "tool_call_chunk",
                "name": piece["name"],
                "args": piece["args"],
                "id": piece["id"],
                "index": f"lc_tc_{piece['index']}",
            }
        )
    return cast("list[types.ContentBlock]", blocks)


def _spoken(message: AIMessage) -> list[dict[str, Any]]:
    if not isinstance(message.content, str):
        raise NotImplementedError  # not ours: let LangChain do what it can
    extras = message.additional_kwargs
    blocks: list[dict[str, Any]] = []
    if extras.get("reasoning_content") or extras.get("reasoning_signature"):
        thought: dict[str, Any] = {
            "type": "reasoning",
            "reasoning": extras.get("reasoning_content") or "",
        }
        if extras.get("reasoning_signature"):
            thought["extras"] = {"signature": extras["reasoning_signature"]}
        blocks.append(thought)
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    return blocks


def register() -> None:
    """Tell LangChain how to read messages of our services."""
    for provider in PROVIDERS:
        register_translator(provider, blocks_of, blocks_of_chunk)
