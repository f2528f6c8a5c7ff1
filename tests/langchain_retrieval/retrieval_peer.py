"""The services as retrieval sees them, played without a network, and the models that ask them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
KEY = "sk-very-secret-1234"
BASE = "https://service.test"
DEPLOYED = {"project_id": "ms-1", "deployment_id": "dp-1"}
PLAYED: dict[str, dict[str, Any]] = {
    "orq": {"model": "openai/text-embedding-3-small"},
    "atoma": {"model": "intfloat/multilingual-e5-large-instruct"},
    "emissary": {"model": "search-checkpoint-1"},
    "deployment": DEPLOYED,
}
MOST = {"orq": 96, "atoma": 1, "emissary": 32, "deployment": 2}
EMBEDDING_PATHS = {
    "orq": "/v2/router/embeddings",
    "atoma": "/v1/embeddings",
    "emissary": "/v1/embeddings",
    "deployment": "/v1/projects/ms-1/deployments/dp-1/embeddings",
}
TEXT_PATHS = {name: path.replace("embeddings", "completions") for name, path in
              EMBEDDING_PATHS.items()}  # fmt: skip


def example(name: str) -> Any:
    """A recorded body."""
    return json.loads((WIRE / name).read_bytes())


def stream_example(name: str) -> httpx.Response:
    """A recorded stream."""
    return httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=(WIRE / name).read_bytes()
    )


def vector_of(text: str) -> list[float]:
    """A vector that only this text has."""
    return [float(len(text)), float(ord(text[0])), float(ord(text[-1]))]


def texts_in(body: Any) -> list[str]:
    """The texts that a request is about, whichever form it has."""
    if "source_sentence" in body:
        return [body["source_sentence"], body["target_sentence"]]
    given = body["input"]
    return [given] if isinstance(given, str) else list(given)


def embedded(body: Any) -> dict[str, Any]:
    """The answer to an embedding request."""
    vectors = [vector_of(text) for text in texts_in(body)]
    if "source_sentence" in body:
        return {"id": "e-1", "response": {"embeddings": {"text1": vectors[0], "text2": vectors[1]}}}
    data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
    used = {"prompt_tokens": len(vectors), "total_tokens": len(vectors)}
    return {"object": "list", "model": "served", "data": data, "usage": used}


class Peer:
    """Answers with what a function makes of each body, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Any], Any] | Any = embedded) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        content = request.read()
        with self._lock:
            self.requests.append(request)
        said = self.answer
        if callable(said):
            said = said(json.loads(content) if content else None)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, httpx.Response):
            return httpx.Response(said.status_code, headers=said.headers, content=said.content)
        return httpx.Response(200, json=said)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def body(self) -> Any:
        (body,) = self.bodies
        return body

    def clients(self, asynchronous: str = "http_async_client") -> dict[str, Any]:
        """A sync and an async client that lead here."""
        transport = httpx.MockTransport(self)
        return {
            "http_client": httpx.Client(transport=transport),
            asynchronous: httpx.AsyncClient(transport=transport),
        }


def refusing(text: str) -> Callable[[Any], Any]:
    """Answers every request but the one with this text."""

    def answer(body: Any) -> Any:
        if text in texts_in(body):
            return httpx.Response(400, json={"error": {"code": "bad", "message": "It is bad."}})
        return embedded(body)

    return answer
