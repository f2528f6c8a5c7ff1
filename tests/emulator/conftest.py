from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import emissary_emulator
from emissary_emulator.brain import Message, Prompt, Reply, Tool, think

WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
DEPLOYMENT = "/emissary/v1/projects/ms-1/deployments/dp-1"
KEYS = {
    "emissary": {"X-API-Key": "a-key"},
    "orq": {"Authorization": "Bearer a-key"},
    "atoma": {"Authorization": "Bearer a-key"},
}


@dataclass(frozen=True)
class Surface:
    """One way to chat with one of the services."""

    path: str
    body: dict[str, Any]
    stream: str
    limit: str
    text: Callable[[Any], str]
    piece: Callable[[Any], str]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def service(self) -> str:
        return self.path.split("/")[1]


def _content(answer: Any) -> str:
    return answer["choices"][0]["message"]["content"]


def _delta(chunk: Any) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])


def _response(answer: Any) -> str:
    return answer["response"]


SURFACES = {
    "D": Surface(
        f"{DEPLOYMENT}/chat/completions", {}, "streaming", "max_new_tokens", _response, _response
    ),
    "C": Surface(
        "/emissary/v1/chat/completions", {"model": "m"}, "stream", "max_tokens", _content, _delta
    ),
    "orq": Surface(
        "/orq/v2/router/chat/completions",
        {"model": "openai/gpt-4o"},
        "stream",
        "max_completion_tokens",
        _content,
        _delta,
    ),
    "seed": Surface(
        "/orq/v2/router/chat/completions",
        {"model": "openai/gpt-4o"},
        "stream",
        "max_tokens",
        _content,
        _delta,
        (("X-Emulator-Profile", "seed"),),
    ),
    "atoma": Surface(
        "/atoma/v1/chat/completions",
        {"model": "meta-llama/Llama-3.3-70B-Instruct"},
        "stream",
        "max_completion_tokens",
        _content,
        _delta,
    ),
}


class Caller:
    """Speaks HTTP to a running emulator."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        key = KEYS[path.split("/")[1]]
        return self.client.post(path, json=body, headers={**key, **(headers or {})})

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.client.get(path, headers={**KEYS[path.split("/")[1]], **(headers or {})})

    def chat(
        self, surface: str, said: str | list[Any] = "Hello", fault: str = "", **fields: Any
    ) -> httpx.Response:
        where = SURFACES[surface]
        messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
        headers = dict(where.headers) | ({"X-Emulator-Fault": fault} if fault else {})
        return self.post(where.path, {**where.body, "messages": messages, **fields}, headers)

    def stream(self, surface: str, said: str | list[Any] = "Hello", **fields: Any) -> list[Any]:
        """The JSON events of a streamed answer."""
        answer = self.chat(surface, said, **{SURFACES[surface].stream: True}, **fields)
        assert answer.status_code == 200, answer.text
        return events(answer.text)


def events(text: str) -> list[Any]:
    data = [line.removeprefix("data:").strip() for line in text.splitlines() if line[:5] == "data:"]
    return [json.loads(piece) for piece in data if piece != "[DONE]"]


def wire(name: str) -> Any:
    text = (WIRE / name).read_text(encoding="utf-8")
    return events(text) if name.endswith(".sse") else json.loads(text)


@pytest.fixture(scope="session")
def running() -> Iterator[emissary_emulator.Server]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.fixture
def server(running: emissary_emulator.Server) -> emissary_emulator.Server:
    running.clear()
    return running


@pytest.fixture(scope="session")
def client(running: emissary_emulator.Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.base_url, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def caller(client: httpx.Client, server: emissary_emulator.Server) -> Caller:
    return Caller(client)


@pytest.fixture
def surfaces() -> dict[str, Surface]:
    return SURFACES


@pytest.fixture
def example() -> Callable[[str], Any]:
    return wire


@pytest.fixture
def events_in() -> Callable[[str], list[Any]]:
    return events


@pytest.fixture
def ask() -> Callable[..., Reply]:
    """Ask the model itself, without a server."""

    def asked(said: str | list[Message], *tools: Tool, **more: Any) -> Reply:
        messages = (Message("user", said),) if isinstance(said, str) else tuple(said)
        return think(Prompt(messages, tools, **more))

    return asked
