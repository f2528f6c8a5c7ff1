"""No key and no header of the user's is ever shown."""

import logging
import warnings
from typing import Any

import httpx
import pytest
from langchain_core.load import dumpd, dumps
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from langchain_emissary.errors import AuthenticationFailed

from .chat_peer import HOWS, KEY, PLAYED, Peer, Played, answers, ask

HEADER = "header-secret-42"
OTHER_KEY = "sk-other-0987654321"
SECRETS = (KEY, HEADER, OTHER_KEY)


def model_of(played: Played, peer: Peer, **params: Any) -> Any:
    return played.model(peer, default_headers={"X-Secret": HEADER}, **params)


def assert_no_secret(told: Any) -> None:
    for secret in SECRETS:
        assert secret not in str(told)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_a_model_shows_no_secret(played: Played, used: bool) -> None:
    model = model_of(played, Peer([answers("invoke", played=played)]))
    if used:
        model.invoke("Hi")
    assert_no_secret(repr(model))
    assert_no_secret(str(model))
    assert_no_secret(dumps(model))
    assert_no_secret(model.asdict())
    assert_no_secret(model._identifying_params)
    assert_no_secret(model.model_dump())
    assert_no_secret(model._get_ls_params(api_key=OTHER_KEY))
    assert_no_secret(model._get_llm_string(api_key=OTHER_KEY, extra_headers={"X": HEADER}))
    assert_no_secret(model.lc_attributes)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_the_key_is_serialised_as_the_name_of_its_variable(played: Played) -> None:
    told = dumpd(model_of(played, Peer([])))
    variable = f"{played.name.upper()}_API_KEY"
    assert told["kwargs"]["api_key"] == {"lc": 1, "type": "secret", "id": [variable]}
    assert not {"default_headers", "http_client", "http_async_client"} & told["kwargs"].keys()


class Tracer(BaseTracer):
    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        self.runs.append(run)

    def told(self) -> str:
        """Everything that would be traced, of all runs and the runs in them."""
        return "\n".join(map(_told_by, self.runs))


def _told_by(run: Run) -> str:
    facts = (run.extra, run.serialized, run.inputs, run.outputs, run.error, run.events, run.tags)
    return "\n".join([str(facts), *map(_told_by, run.child_runs)])


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("header", ["extra_headers", "default_headers", "headers"])
def test_traces_hold_no_secret(how: str, played: Played, header: str) -> None:
    model = model_of(played, Peer([answers(how, played=played)]))
    bound = model.bind(api_key=OTHER_KEY, **{header: {"X-Secret": HEADER}}, temperature=0.25)
    chain = ChatPromptTemplate.from_messages([("human", "{x}")]) | bound | StrOutputParser()
    tracer = Tracer()
    ask(how, chain, {"x": "Hi"}, config={"callbacks": [tracer]})
    assert_no_secret(tracer.told())
    assert "'temperature': 0.25" in tracer.told()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_traces_of_errors_hold_no_secret(how: str, played: Played) -> None:
    body = {"error": {"code": "x", "message": f"Bad key {KEY}"}}
    model = model_of(played, Peer([httpx.Response(401, json=body)]))
    tracer = Tracer()
    with pytest.raises(AuthenticationFailed) as caught:
        ask(how, model, config={"callbacks": [tracer]})
    assert "Bad key" in tracer.told()
    assert_no_secret(tracer.told())
    assert_no_secret(caught.value)


@pytest.mark.parametrize("how", HOWS)
def test_logging_at_debug_holds_no_secret(how: str, caplog: pytest.LogCaptureFixture) -> None:
    played = PLAYED["emissary"]
    with caplog.at_level(logging.DEBUG):
        ask(how, model_of(played, Peer([answers(how)])))
    assert_no_secret(caplog.text)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_validation_error_shows_no_secret(played: Played) -> None:
    with pytest.raises(ValueError, match="temperature") as caught:
        played.cls(**{**played.params, "api_key": KEY, "temperature": "hot"})
    assert_no_secret(caught.value)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_warning_about_an_unknown_field_names_it_without_its_value(played: Played) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        played.cls(**played.params, api_key=KEY, password=OTHER_KEY)
    assert "password" in str(caught[0].message)
    assert_no_secret(caught[0].message)
