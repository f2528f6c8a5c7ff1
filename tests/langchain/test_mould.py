"""Chunks that are cast are the chunks that LangChain's constructors make."""

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel, PrivateAttr

from emissary_transport import Delta, ToolFragment
from emissary_transport.mould import Mould
from langchain_emissary.messages import from_delta


class Kept(BaseModel):
    """A model that keeps something where a mould does not look."""

    x: int = 0
    _seen: list[int] = PrivateAttr(default_factory=list)


EXAMPLES: list[tuple[BaseModel, dict[str, Any]]] = [
    (AIMessageChunk(content=""), {"content": "Hi", "response_metadata": {"a": 1}}),
    (
        ChatGenerationChunk(message=AIMessageChunk(content="")),
        {"message": AIMessageChunk(content="Hi"), "text": "Hi", "generation_info": None},
    ),
    (
        ChatGenerationChunk(message=AIMessageChunk(content="")),
        {
            "text": "Hi",
            "generation_info": None,
            "type": "ChatGenerationChunk",
            "message": AIMessageChunk(content="Hi"),
        },
    ),
    (Kept(x=1), {"x": 2}),
]


@pytest.mark.parametrize(("example", "values"), EXAMPLES)
def test_what_is_cast_is_what_is_constructed(example: BaseModel, values: dict[str, Any]) -> None:
    made, usual = Mould(example).cast(values), type(example)(**values)
    assert made == usual
    assert made.model_dump() == usual.model_dump()
    assert made.model_fields_set >= set(values)
    assert repr(made) == repr(usual)


def test_what_is_cast_shares_no_value() -> None:
    mould = Mould(AIMessageChunk(content=""))
    one, other = mould.cast({"content": "1"}), mould.cast({"content": "2"})
    one.tool_calls.append({"name": "f", "args": {}, "id": "c", "type": "tool_call"})
    one.additional_kwargs["a"] = 1
    one.id = "x"
    assert other == AIMessageChunk(content="2")
    assert other.model_fields_set == set(AIMessageChunk.model_fields)


@pytest.mark.parametrize("example", [AIMessageChunk(content=""), EXAMPLES[1][0]])
def test_langchains_chunks_are_cast(example: BaseModel) -> None:
    assert Mould(example)._is_exact


MORE = [ToolFragment(0, None, None, "a, ")]
OPENING = [ToolFragment(0, "c", "f", '{"'), ToolFragment(1, "d", "g", "{}")]


@pytest.mark.parametrize("fragments", [[], MORE, OPENING])
@pytest.mark.parametrize("text", ["", "Hi"])
def test_a_chunk_is_what_langchain_makes(text: str, fragments: list[ToolFragment]) -> None:
    made = from_delta(Delta(text, tool_fragments=fragments), "orq", "m")
    message = AIMessageChunk(
        content=text,
        response_metadata={"model_provider": "orq"},
        tool_call_chunks=[
            tool_call_chunk(name=each.name, args=each.arguments, id=each.id, index=each.index)
            for each in fragments
        ],
    )
    usual = ChatGenerationChunk(message=message)
    assert made == usual
    assert list(made.__dict__) == list(usual.__dict__)
    assert list(made.message.__dict__) == list(message.__dict__)
