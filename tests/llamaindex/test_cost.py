"""What a chunk costs does not grow with the stream."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from emissary_transport import Delta, ToolFragment
from llamaindex.peer import model
from llamaindex_emissary.answers import Answer

SHAPES: dict[str, tuple[str, str, str]] = {
    "one long text": ('{"text": "', "word ", '"}'),
    "many numbers": ('{"numbers": [0', ", 17", "]}"),
    "many objects": ('{"songs": [{}', ', {"title": "x"}', "]}"),
}


def cost(shape: str, count: int) -> float:
    """Processor seconds for each fragment, read as FunctionAgent reads it."""
    begin, piece, end = SHAPES[shape]
    llm = model("orq")
    best = float("inf")
    for _ in range(3):
        answer = Answer()
        answer.with_delta(Delta(tool_fragments=(ToolFragment(0, "a", "f", begin),)))
        started = time.process_time()
        for _ in range(count):
            chunk = answer.with_delta(Delta(tool_fragments=(ToolFragment(0, None, None, piece),)))
            llm.get_tool_calls_from_response(chunk, error_on_no_tool_call=False)
        best = min(best, time.process_time() - started)
        last: Any = answer.with_delta(Delta(tool_fragments=(ToolFragment(0, None, None, end),)))
        [selection] = llm.get_tool_calls_from_response(last)
        assert selection.tool_kwargs == json.loads(begin + piece * count + end)
    return best / count


@pytest.mark.parametrize("shape", SHAPES)
def test_fragments_of_arguments(shape: str) -> None:
    assert cost(shape, 8_000) < 3 * cost(shape, 2_000)
