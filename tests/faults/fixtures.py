"""Fixtures of the tests over real sockets: no proxies, the HTTP that is meant, nothing left."""

import gc

import pytest

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    """Requests go where they are sent."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


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
