"""What is a field of the service is a field of the LLM."""

from typing import Any

import httpx
import pytest

from llamaindex_emissary import Atoma, Orq

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
FIELDS: list[dict[str, Any]] = [
    {"response_format": {"type": "json_object"}},
    {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
]


@pytest.mark.parametrize("cls", [Orq, Atoma])
@pytest.mark.parametrize("fields", FIELDS)
def test_tools_and_formats_are_fields_too(cls: type[Any], fields: dict[str, Any]) -> None:
    sent: list[bytes] = []

    def peer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        return httpx.Response(200, json={"choices": [choice]})

    client = httpx.Client(transport=httpx.MockTransport(peer))
    llm = cls(model="m", api_key="k", http_client=client, **fields)
    assert llm.complete("Hello").text == "Hi"
    body = httpx.Response(200, content=sent[0]).json()
    assert set(fields) <= body.keys()
