import gc

import pytest

from emissary_transport import pool


@pytest.fixture(autouse=True)
def nothing_shared(monkeypatch):
    """No proxies before, and no connections after a test."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
    pool._close_all()


@pytest.fixture(autouse=True)
def nothing_logged(caplog):
    """What asyncio can only log, such as a generator that can't be closed, is a fault too."""
    yield
    told = [record.getMessage() for record in caplog.records if record.name == "asyncio"]
    assert not [each for each in told if not each.startswith("Executing ")]


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
