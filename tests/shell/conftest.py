import pytest


@pytest.fixture(params=["sync", "async"])
def how(request):
    """Which of the two shells."""
    return request.param
