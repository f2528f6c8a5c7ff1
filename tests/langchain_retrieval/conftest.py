import asyncio
from collections.abc import Callable
from typing import Any

import pytest

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
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def asleep(_: float) -> None:
        return

    monkeypatch.setattr(Client, "sleep", staticmethod(lambda _: None))
    monkeypatch.setattr(AsyncClient, "sleep", staticmethod(asleep))


@pytest.fixture(params=["sync", "async"])
def do(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Call a method by its sync name, or its async twin with an `a` before the name."""

    def call(model: Any, method: str, /, *args: Any, **options: Any) -> Any:
        if request.param == "sync":
            return getattr(model, method)(*args, **options)
        name = f"_a{method[1:]}" if method.startswith("_") else f"a{method}"
        return asyncio.run(getattr(model, name)(*args, **options))

    return call
