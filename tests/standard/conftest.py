"""What langchain-tests' suites need beside the models."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import langchain_core.load  # noqa: F401 - loads the module that is patched
import pytest

import emissary_emulator
from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq


@pytest.fixture(scope="session")
def emulator() -> Iterator[emissary_emulator.Server]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def _known_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `load(..., allowed_objects="all")` know our classes, as LangChain does its own."""
    load = sys.modules["langchain_core.load.load"]
    for cls in (ChatEmissary, ChatOrq, ChatAtoma):
        monkeypatch.setitem(load.ALL_SERIALIZABLE_MAPPINGS, tuple(cls.lc_id()), tuple(cls.lc_id()))
    load._default_class_paths_cache.clear()


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the suite's example images, sounds and papers without fetching them."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "emissary-integrations")
    monkeypatch.setattr(httpx, "get", lambda *_, **__: SimpleNamespace(content=b"x"))
