"""What objects tell of themselves, fresh, used and given wrong things."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from pydantic import ValidationError

import emissary_emulator
import langchain_emissary
import llamaindex_emissary
from contract import on_langchain, on_llamaindex
from contract.cases import ATOMA, DEPLOYMENT, EMISSARY, ORQ, Surface
from emissary_transport import ORQ as SERVICE
from emissary_transport import Client, Settings

from .echo_server import HEADER, KEY
from .test_secrets import leaks, locals_in, said_by_langchain, said_by_llamaindex

SURFACES = {"orq": ORQ, "atoma": ATOMA, "emissary": EMISSARY, "deployment": DEPLOYMENT}
RERANK = {"model": "cohere/rerank-v3.5"}
MADE: dict[str, tuple[Callable[..., Any], str]] = {}
for _name, _surface in SURFACES.items():
    for _player, _where in ((on_langchain, "base_url"), (on_llamaindex, "api_base")):
        for _kind, _classes in _player.CLASSES.items():
            if _surface.service not in _classes or (_kind == "rerank" and _name != "orq"):
                continue
            _params = {
                "rerank": RERANK,
                "embed": _surface.embedding_params,
                "text": _surface.text_params,
            }.get(_kind, _surface.params)

            def _make(
                *, cls: Any = _classes[_surface.service], given: Any = _params, **more: Any
            ) -> Any:
                return cls(**{**given, **more})

            MADE[f"{_player.__name__.split('_')[-1]}-{_kind}-{_name}"] = (_make, _where)


def said(model: Any, where: str) -> Iterator[Any]:
    yield from (said_by_langchain if where == "base_url" else said_by_llamaindex)(model)


@pytest.fixture(scope="module")
def emulator() -> Iterator[emissary_emulator.Server]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.fixture(params=MADE)
def made(request: pytest.FixtureRequest) -> tuple[Callable[..., Any], str]:
    return MADE[request.param]


def test_an_object_tells_no_secret(made: Any, emulator: Any) -> None:
    make, where = made
    root = f"{emulator.base_url}/orq"
    model = make(api_key=KEY, default_headers={"X-Marked": HEADER}, **{where: root})
    for each in (model, copy.copy(model), copy.deepcopy(model), model.model_copy()):
        assert not [told for told in said(each, where) if leaks(told)]
    if hasattr(model, "bind"):
        assert not leaks(model.bind(temperature=0))
    if isinstance(model, BaseChatModel):
        assert not leaks(model._get_llm_string(api_key=KEY, default_headers={"X": HEADER}))


WRONG = [
    {"max_retries": -1},
    {"timeout": "soon"},
    {"extra_body": 5},
    {"max_retries": "many"},
    {"default_headers": {"X-Marked": HEADER + "\n"}},
    {"default_headers": {"X-Marked": HEADER + "\r\nInjected: 1"}},
    {"default_headers": {"X-Marked": f"č{HEADER}"}},
    {"default_headers": {"bad name": HEADER}},
    {"default_headers": HEADER},
    {"api_key": f"{KEY}\r\nInjected: 1"},
    {"api_key": f"{KEY}\x00"},
    {"api_key": [KEY]},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:40])
def test_what_is_wrong_is_refused_without_showing_it(made: Any, wrong: Any, emulator: Any) -> None:
    where = made[1]
    emulator.clear()
    error = refused(made, {"api_key": KEY, where: f"{emulator.base_url}/orq", **wrong})
    assert isinstance(error, ValueError)
    assert not leaks("".join(traceback.format_exception(error)))
    assert not leaks(vars(error))
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [each for each in locals_in(told) if "/emissary_transport/" in each[0]]
    assert not [each for each in ours if leaks(each)]
    assert len(emulator.requests) == 0


def refused(made: Any, arguments: Any) -> Exception | None:
    """What is raised when the model is made, or when it is asked for the first time."""
    try:
        model = made[0](**arguments)
        for method, argument in (
            ("invoke", "Hi"),
            ("embed_query", "Hi"),
            ("complete", "Hi"),
            ("get_text_embedding", "Hi"),
        ):
            if hasattr(model, method):
                getattr(model, method)(argument)
                return None
        model.rerank(["Hi"], "Hi")
    except Exception as error:
        return error
    return None


def test_the_transports_own_objects_tell_no_secret() -> None:
    settings = Settings(api_key=KEY, base_url="https://h.example", headers={"X": HEADER})
    client = Client(SERVICE, settings)
    for each in (settings, client, vars(client), client.settings, client.connections):
        assert not leaks(repr(each))
        assert not leaks(str(each))
    assert settings.api_key == KEY
    assert settings.headers == {"X": HEADER}


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_an_error_of_validation_hides_what_was_given(surface: Surface) -> None:
    for player in (on_langchain, on_llamaindex):
        for classes in player.CLASSES.values():
            if surface.service in classes:
                with pytest.raises(ValueError, match="stall_timeout") as caught:
                    classes[surface.service](
                        **{**surface.embedding_params, "api_key": KEY, "stall_timeout": HEADER}
                    )
                assert not leaks("".join(traceback.format_exception(caught.value)))


WRONG = {
    "address": {"base_url": "nonsense"},
    "type": {"max_retries": "many"},
    "key": {"api_key": f"{KEY}\nmore"},
}


@pytest.mark.parametrize(
    "cls",
    [
        langchain_emissary.ChatOrq,
        langchain_emissary.OrqLLM,
        langchain_emissary.OrqEmbeddings,
        llamaindex_emissary.Orq,
        llamaindex_emissary.OrqEmbedding,
    ],
)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_pydantic_keeps_of_a_mistake_does_not_tell_the_key(cls: Any, wrong: str) -> None:
    def made_and_asked() -> None:
        model = cls(**{"model": "m", "api_key": KEY, **WRONG[wrong]})
        model.complete("Hi") if hasattr(model, "complete") else model.get_query_embedding("Hi")

    with pytest.raises(ValueError) as raised:  # noqa: PT011 - whatever it says
        made_and_asked()
    error = raised.value
    told = [str(error), repr(error)]
    if isinstance(error, ValidationError):
        told += [str(error.errors()), error.json()]
    assert not [each for each in told if KEY in each]
