import gc

import pytest

from emissary_transport import pool

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(params=["sync", "async", "fast"])
def how(request):
    """Which of the two shells; `fast` is async, over the fast transport."""
    return request.param


@pytest.fixture(params=["httpx", "fast"])
def http(request):
    """Over which HTTP, for a test of async calls."""
    return request.param


@pytest.fixture(autouse=True)
def nothing_shared(request, monkeypatch):
    """No proxies before, and no connections after a test."""
    chosen = {request.getfixturevalue(name) for name in {"how", "http"} & {*request.fixturenames}}
    monkeypatch.setenv("EMISSARY_HTTP", "fast" if "fast" in chosen else "httpx")
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
