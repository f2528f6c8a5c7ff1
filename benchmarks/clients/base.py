"""What a client can be asked to do; what it leaves out is not measured for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

KEY = "no-key-on-loopback"
MODEL = "openai/gpt-4o"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "record",
        "description": "Write a text down.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        },
    },
}


class Client:
    """A client of the server at an address."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, prompt: str) -> str:
        """Ask for a whole answer and give its text."""
        raise NotImplementedError

    async def acall(self, prompt: str) -> str:
        """Ask for a whole answer and give its text."""
        raise NotImplementedError

    def stream(self, prompt: str) -> Iterator[str]:
        """Ask for a stream and give the text of each chunk."""
        raise NotImplementedError

    def astream(self, prompt: str) -> AsyncIterator[str]:
        """Ask for a stream and give the text of each chunk."""
        raise NotImplementedError

    def tool(self, prompt: str) -> Any:
        """Ask for a streamed tool call, read every chunk and give the arguments."""
        raise NotImplementedError

    async def atool(self, prompt: str) -> Any:
        """Ask for a streamed tool call, read every chunk and give the arguments."""
        raise NotImplementedError

    def new(self, prompt: str) -> str:
        """Ask a new model, made for this call, for a whole answer."""
        return type(self)(self.url).call(prompt)
