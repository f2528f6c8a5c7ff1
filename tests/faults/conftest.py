import pytest

from emissary_transport import pool
from emissary_transport.client import AsyncClient, Client
from faults.fixtures import no_proxies, no_warnings_left, over

__all__ = ["no_proxies", "no_warnings_left", "over"]


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    """The waits between tries, none of which is waited for."""
    waits = []

    async def asleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(Client, "sleep", staticmethod(waits.append))
    monkeypatch.setattr(AsyncClient, "sleep", staticmethod(asleep))
    yield waits
    pool._close_all()
