"""Each case, raw and through both frameworks, sync and async, from the same tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emissary_transport import AsyncClient, Client, ServiceError

from . import on_langchain, on_llamaindex, raw
from .cases import Case, Outcome
from .steps import driven
from .table import CASES
from .tapes import BASE_URLS, TAPES, playing

KEY = "a-key-that-no-tape-holds"
PLAYERS: dict[str, Callable[..., Any]] = {
    "raw": raw.play,
    "langchain": on_langchain.play,
    "llamaindex": on_llamaindex.play,
}
SILENT = {("langchain", "stream_complete")}
"""LangChain streams completions as mere strings."""


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for between tries, without waiting."""
    waits: list[float] = []

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(Client, "sleep", staticmethod(waits.append))
    monkeypatch.setattr(AsyncClient, "sleep", staticmethod(asleep))
    return waits


def outcome_of(player: str, case: Case, how: str) -> Outcome:
    """What the case comes to, played from its tape."""
    with playing(TAPES / case.tape):
        try:
            play = PLAYERS[player](case, how, KEY, BASE_URLS[case.surface.service])
            return driven(how, play)
        except ServiceError as error:
            return Outcome(error=(type(error).__name__, error.status, error.code))


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tape.removesuffix(".yaml"))
def test_all_who_ask_get_the_same(case: Case, player: str, how: str, slept: list[float]) -> None:
    outcome = outcome_of(player, case, how)
    if (player, case.operation) in SILENT:
        assert outcome.text == case.outcome.text
    else:
        assert outcome == case.outcome
    assert slept == ([float(case.fault["retry_after"])] if case.fault else [])
