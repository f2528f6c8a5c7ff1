"""Nothing that our objects say, keep, raise or let be written down holds a key or a header."""

from __future__ import annotations

import logging
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.load import dumpd, dumps
from langchain_core.runnables import Runnable
from langchain_core.tracers.context import collect_runs
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler

import emissary_emulator
from contract import on_langchain, on_llamaindex, raw
from contract.cases import DEPLOYMENT, Case
from contract.steps import driven
from contract.table import CASES
from emissary_transport import ServiceError

from .echo_server import HEADER, KEY, MODES, SECRETS, echoing

PLAYED = [
    case
    for case in CASES
    if case.outcome.error is None and not case.fault and "structured" not in case.name
]
PLAYERS = ["raw", "langchain", "llamaindex"]
HEADERS = {"X-Marked": HEADER}
TESTS = Path(__file__).parents[1]


# --- where it is looked for ---


def leaks(told: Any) -> list[str]:
    """Which of the secrets a text, bytes, or the parts of anything hold."""
    texts = [str(told), repr(told)]
    if isinstance(told, bytes):
        texts.append(told.decode("latin-1"))
    return [secret for secret in SECRETS if any(secret in text for text in texts)]


def said_by(error: BaseException) -> Iterator[Any]:
    """Everything that an exception and those that it came from say and carry."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield str(each)
        yield repr(each)
        yield each.args
        yield vars(each)
        yield getattr(each, "__notes__", None)
        request = getattr(each, "_request", None)
        if request is not None:
            yield request.headers.raw
            yield request.headers
            yield request.url
        todo += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    yield "".join(traceback.format_exception(error))
    yield from locals_in(traceback.TracebackException.from_exception(error, capture_locals=True))
    yield pickle.dumps(error) if isinstance(error, ServiceError) else None


def locals_in(told: traceback.TracebackException | None) -> Iterator[Any]:
    """Local variables as crash reporters show them, of all frames but the tests' own."""
    if told is None:
        return
    for frame in told.stack:
        if str(TESTS) not in frame.filename:
            yield f"{frame.filename}:{frame.lineno} {frame.name}", frame.locals
    yield from locals_in(told.__cause__)
    yield from locals_in(told.__context__)


def said_by_langchain(model: Any) -> Iterator[Any]:
    yield repr(model)
    yield str(model)
    yield model.model_dump()
    yield model.model_dump_json()
    if isinstance(model, Runnable):
        yield dumps(model)
        yield dumpd(model)
        yield model.get_name()
    for method in ("asdict", "_get_llm_string", "_get_ls_params", "_get_invocation_params"):
        if hasattr(model, method):
            yield getattr(model, method)()
    for fact in ("_identifying_params", "lc_attributes", "_serialized"):
        yield getattr(model, fact, None)


def said_by_llamaindex(model: Any) -> Iterator[Any]:
    yield repr(model)
    yield str(model)
    yield model.to_dict()
    yield model.to_json()
    yield model.model_dump()
    yield model.model_dump_json()
    if hasattr(model, "to_payload"):
        yield model.to_payload()
    yield getattr(model, "metadata", None)


def said_by_run(run: Any) -> Iterator[Any]:
    yield run.extra, run.serialized, run.inputs, run.outputs, run.error, run.events, run.tags
    for child in run.child_runs:
        yield from said_by_run(child)


class Payloads(BaseCallbackHandler):
    """Keeps what LlamaIndex's callbacks are given."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.told: list[str] = []

    def on_event_start(self, event_type: Any, payload: Any = None, **more: Any) -> str:
        self.told.append(repr((event_type, payload, more)))
        return str(more.get("event_id", ""))

    def on_event_end(self, event_type: Any, payload: Any = None, **more: Any) -> None:
        self.told.append(repr((event_type, payload, more)))

    def start_trace(self, trace_id: str | None = None) -> None:
        pass

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        pass


class Events(BaseEventHandler):
    """Keeps LlamaIndex's events."""

    told: list[str] = []

    def handle(self, event: Any, **_: Any) -> None:
        self.told.append(repr(event) + event.model_dump_json(fallback=repr))


@pytest.fixture
def observed(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[Any]]]:
    """Everything that is logged, traced or told of in events, all at its most talkative."""
    root, events, spans = get_dispatcher("root"), Events(told=[]), SimpleSpanHandler()
    handlers = root.event_handlers, root.span_handlers
    root.event_handlers, root.span_handlers = [*handlers[0], events], [*handlers[1], spans]
    with caplog.at_level(logging.DEBUG), collect_runs() as runs:
        for name in ("httpx", "httpcore", "emissary_transport", "langchain_core", "llama_index"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield lambda: [
            caplog.text,
            *(record.args for record in caplog.records),
            *events.told,
            *(repr(span) for span in (*spans.completed_spans, *spans.dropped_spans)),
            *(each for run in runs.traced_runs for each in said_by_run(run)),
        ]
    root.event_handlers, root.span_handlers = handlers


@pytest.fixture(scope="module")
def emulator() -> Iterator[emissary_emulator.Server]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.fixture(scope="module")
def peer() -> Iterator[str]:
    with echoing() as address:
        yield address


def played(player: str, case: Case, how: str, base_url: str, payloads: Payloads) -> Any:
    """Play a case with the marked secrets, each player in its own way; what it makes is kept."""
    if player == "raw":
        return driven(how, raw.play(case, how, KEY, base_url, headers=HEADERS, max_retries=0))
    options = {**case.options, "default_headers": HEADERS, "max_retries": 0}
    if player == "langchain":
        made = replace(case, options=options)
        return driven(how, on_langchain.play(made, how, KEY, base_url))
    if case.operation != "models" or player == "llamaindex":
        options["callback_manager"] = CallbackManager([payloads])
    return driven(how, on_llamaindex.play(replace(case, options=options), how, KEY, base_url))


def caught(player: str, case: Case, how: str, base_url: str, payloads: Payloads) -> Any:
    """What comes or what is raised; no variable here holds a secret."""
    try:
        return played(player, case, how, base_url, payloads)
    except Exception as error:
        return error


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.tape.removesuffix(".yaml"))
def test_success_tells_no_secret(
    case: Case, player: str, how: str, emulator: Any, observed: Any
) -> None:
    payloads = Payloads()
    came = caught(player, case, how, f"{emulator.base_url}/{case.surface.service}", payloads)
    assert not isinstance(came, Exception), came
    assert KEY in str(emulator.requests.last.headers)
    assert HEADER in str(emulator.requests.last.headers)
    told = [came, *observed(), *payloads.told]
    assert not [each for each in told if leaks(each)]
    assert any("api" in str(each) or each for each in told)


KINDS = {
    (case.operation, case.surface.service, case.surface is DEPLOYMENT): case for case in PLAYED
}
FAILED = [
    pytest.param(mode, case, id=f"{mode}-{case.tape.removesuffix('.yaml')}")
    for kind, case in KINDS.items()
    for mode in (*MODES, "nobody")
    if mode in {"refused", "odd", "nobody"} or kind[:2] in {("chat", "orq"), ("stream", "orq")}
]


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize(("mode", "case"), FAILED)
def test_failure_tells_no_secret(
    mode: str, case: Case, player: str, how: str, peer: str, observed: Any
) -> None:
    base_url = nobody() if mode == "nobody" else f"{peer}/{mode}"
    payloads = Payloads()
    came = caught(player, case, how, base_url, payloads)
    assert isinstance(came, ServiceError), came
    assert not [each for each in said_by(came) if leaks(each)]
    told = [*observed(), *payloads.told]
    if mode == "redirect":  # httpcore logs the headers of answers, as they are
        told = [each for each in told if "receive_response_headers" not in str(each)]
        told = [each for each in told if "elsewhere.invalid" not in str(each)]
    assert not [each for each in told if leaks(each)]


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"
