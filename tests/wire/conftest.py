import pytest

from emissary_transport import pool
from faults.fixtures import no_proxies, no_warnings_left

__all__ = ["no_proxies", "no_warnings_left"]


@pytest.fixture(params=["sync", "async", "sync, fast", "async, fast"])
def how(request):
    """Which of the two shells, and whether over the fast transport."""
    return request.param


@pytest.fixture(params=["httpx", "fast"])
def http(request):
    """Over which HTTP, for a test of one shell."""
    return request.param


@pytest.fixture(autouse=True)
def nothing_shared(request, monkeypatch):
    """The HTTP that is meant, and no connections after a test."""
    chosen = [request.getfixturevalue(name) for name in {"how", "http"} & {*request.fixturenames}]
    is_fast = any("fast" in each for each in chosen)
    monkeypatch.setenv("EMISSARY_HTTP", "fast" if is_fast else "httpx")
    yield
    pool._close_all()
