"""The emulator for the tests that need a socket, and waits that are only written down."""

from collections.abc import Iterator

import pytest

import emissary_emulator
from emissary_transport.client import AsyncClient, Client


@pytest.fixture(scope="session")
def emulator() -> Iterator[emissary_emulator.Server]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(Client, "sleep", staticmethod(waited.append))
    monkeypatch.setattr(AsyncClient, "sleep", staticmethod(wait))
    return waited
