"""Tools in, tool calls out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection

from llamaindex_emissary.growing_json import GrowingJson
from llamaindex_emissary.messages import listed_calls

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool


def tool_options(
    tools: Sequence[BaseTool], *, choice: Any, required: bool, parallel: bool
) -> dict[str, Any]:
    """What a chat with these tools is asked for; nothing without tools."""
    if not tools:
        return {}
    # None comes explicitly from LlamaIndex's own programs, and means no choice
    chosen = choice if choice is not None else "required" if required else "auto"
    return {
        "tools": [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools],
        "tool_choice": chosen,
        "parallel_tool_calls": parallel,
    }


def conversation(
    history: Sequence[ChatMessage] | None, user_msg: str | ChatMessage | None
) -> list[ChatMessage]:
    """The history with the user's message at its end, as a list of its own."""
    if isinstance(user_msg, str):
        user_msg = ChatMessage(role=MessageRole.USER, content=user_msg)
    return [*(history or ()), *([user_msg] if user_msg is not None else ())]


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """The calls of a response, finished or not; arguments that can't be read are empty."""
    message = response.message
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        blocks = [
            ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
            for call in listed_calls(message)
        ]
    return [
        ToolSelection(
            tool_id=block.tool_call_id or f"call_{number}",
            tool_name=block.tool_name,
            tool_kwargs=_arguments(block.tool_kwargs),
        )
        for number, block in enumerate(blocks)
    ]


def _arguments(given: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    parsed = GrowingJson()
    parsed.feed(given)
    return {} if parsed.broken else parsed.value


def with_one_call(response: ChatResponse) -> ChatResponse:
    """The response with its first tool call only."""
    message = response.message
    first = next((b for b in message.blocks if isinstance(b, ToolCallBlock)), None)
    blocks = [b for b in message.blocks if b is first or not isinstance(b, ToolCallBlock)]
    extras = dict(message.additional_kwargs)
    if isinstance(extras.get("tool_calls"), list):
        extras["tool_calls"] = extras["tool_calls"][:1]
    response.message = ChatMessage(role=message.role, blocks=blocks, additional_kwargs=extras)
    return response
