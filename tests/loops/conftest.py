import pytest

from emissary_transport import pool
from faults.fixtures import no_proxies, no_warnings_left, over

__all__ = ["no_proxies", "no_warnings_left", "over"]


@pytest.fixture(autouse=True)
def nothing_shared():
    """No connections after a test."""
    yield
    pool._close_all()


@pytest.fixture(autouse=True)
def nothing_logged(caplog):
    """What asyncio can only log, such as a generator that can't be closed, is a fault too."""
    yield
    told = [record.getMessage() for record in caplog.records if record.name == "asyncio"]
    assert not [each for each in told if not each.startswith("Executing ")]
