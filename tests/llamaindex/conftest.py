from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.llms import MockLLM

from emissary_transport.client import AsyncClient, Client

_ENVIRONMENT = (
    "EMISSARY_API_KEY",
    "EMISSARY_CLIENT_API_KEY",
    "EMISSARY_BASE_URL",
    "EMISSARY_PROJECT_ID",
    "EMISSARY_DEPLOYMENT_ID",
    "ORQ_API_KEY",
    "ORQ_BASE_URL",
    "ATOMA_API_KEY",
    "ATOMASDK_BEARER_AUTH",
    "ATOMA_BASE_URL",
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    """Leave LlamaIndex's global settings as they were, and without a download of a tokenizer."""
    Settings.tokenizer = str.split
    Settings._llm = MockLLM()
    yield
    Settings._llm = None
    Settings._callback_manager = None
    Settings._embed_model = None


@pytest.fixture(params=["sync", "async"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for between tries, without waiting."""
    waits: list[float] = []

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    def sleep(seconds: float) -> None:
        waits.append(seconds)

    sync: Any = staticmethod(sleep)
    asynchronous: Any = staticmethod(asleep)
    monkeypatch.setattr(Client, "sleep", sync)
    monkeypatch.setattr(AsyncClient, "sleep", asynchronous)
    return waits
