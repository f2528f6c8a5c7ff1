import gc

import pytest

from emissary_transport import pool
from emissary_transport.client import AsyncClient, Client

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    """The waits between tries, none of which is waited for; and no proxies."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    waits = []

    async def asleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(Client, "sleep", staticmethod(waits.append))
    monkeypatch.setattr(AsyncClient, "sleep", staticmethod(asleep))
    yield waits
    pool._close_all()


@pytest.fixture(autouse=True)
def over(request, monkeypatch):
    """Over the HTTP that the way says; stock httpx where there is none."""
    way = request.getfixturevalue("way") if "way" in request.fixturenames else None
    monkeypatch.setenv("EMISSARY_HTTP", getattr(way, "http", "httpx"))


@pytest.fixture(autouse=True, scope="module")
def no_warnings_left():
    """A socket that was left open would warn here, and warnings are errors."""
    yield
    gc.collect()
