import gc

import pytest

from emissary_transport import pool

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(params=["sync", "async"])
def how(request):
    """Which of the two shells."""
    return request.param


@pytest.fixture(autouse=True)
def nothing_shared(monkeypatch):
    """No proxies before, and no connections after a test."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
    pool._close_all()


@pytest.fixture(autouse=True, scope="module")
def nothing_left():
    """A socket that was left open would warn here, and warnings are errors."""
    yield
    gc.collect()
