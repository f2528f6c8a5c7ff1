"""A model as an object: arguments, environment, metadata, secrets, copies."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import sys
import textwrap
from typing import Any

import httpx
import pytest
from llama_index.core import Settings
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import LLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import SecretStr

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ
from llamaindex.peer import KEY, PATHS, SERVICES, Peer, deployed, model, whole
from llamaindex_emissary import Atoma, Emissary, Orq

CLASSES = {"orq": Orq, "atoma": Atoma, "emissary": Emissary, "deployment": Emissary}
ALL: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "max_tokens": 5,
    "stop": ["x"],
    "context_window": 1000,
    "timeout": 5,
    "stall_timeout": 5.0,
    "max_retries": 1,
    "retry_timeouts": True,
    "additional_kwargs": {"temperature": 0.1},
    "extra_body": {"a": 1},
    "system_prompt": "s",
    "is_chat_model": True,
    "is_function_calling_model": False,
    "stream_usage": False,
}


def answer(service: str) -> httpx.Response:
    return deployed() if service == "deployment" else whole()


@pytest.mark.parametrize("cls", [Emissary, Orq, Atoma])
def test_is_what_the_framework_looks_for(cls: type) -> None:
    assert issubclass(cls, FunctionCallingLLM)
    assert BaseLLM in cls.__mro__
    assert cls.class_name() == cls.__name__


@pytest.mark.parametrize(
    ("cls", "services"),
    [(Emissary, (EMISSARY, EMISSARY_DEPLOYMENT)), (Orq, (ORQ,)), (Atoma, (ATOMA,))],
)
def test_every_documented_field_is_an_argument(cls: Any, services: Any) -> None:
    names = {name for service in services for name in service.fields}
    known = {*cls.model_fields, "metadata"}
    assert names <= known
    assert {*cls.documented} <= {*cls.model_fields}


@pytest.mark.parametrize("service", SERVICES)
def test_metadata_is_cheap_and_asks_nobody(service: str) -> None:
    peer = Peer(AssertionError("no request"))
    llm = model(service, peer, api_key=None)
    metadata = llm.metadata
    assert metadata.is_chat_model
    assert metadata.is_function_calling_model
    assert metadata.context_window >= 8192
    assert metadata.num_output == -1
    assert metadata.model_name == ("dp-1" if service == "deployment" else llm.model)
    assert llm.to_payload()["model"] == metadata.model_name
    assert peer.requests == []


def test_an_unknown_model_works_and_its_window_can_be_set() -> None:
    llm = Orq(model="nobody/knows-this", context_window=1_000_000, max_tokens=4096)
    assert llm.metadata.context_window == 1_000_000
    assert llm.metadata.num_output == 4096
    assert Emissary(max_new_tokens=7).metadata.num_output == 7


def test_other_names_of_arguments() -> None:
    llm = Orq(model_name="a/b", base_url="https://x.test", stop_sequences=["x"])
    assert (llm.model, llm.api_base, llm.stop) == ("a/b", "https://x.test", ["x"])


def test_an_unknown_argument_is_refused_with_a_hint() -> None:
    with pytest.raises(ValueError, match=r"no argument 'temprature'\. Did you mean temperature"):
        Orq(model="a/b", temprature=1)


@pytest.mark.parametrize("cls", [Orq, Atoma])
def test_a_model_is_required(cls: Any) -> None:
    with pytest.raises(ValueError, match="model"):
        cls(api_key=KEY)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "model=.*project_id=.*deployment_id=.*EMISSARY_PROJECT_ID"),
        ({"deployment_id": "d"}, "project_id=.*EMISSARY_PROJECT_ID"),
        ({"deployment_id": "d", "project_id": "p", "model": "m"}, "not both"),
    ],
)
def test_emissary_says_what_it_lacks_when_asked(arguments: Any, words: str) -> None:
    peer = Peer(whole())
    llm = Emissary(
        api_key=KEY, http_client=httpx.Client(transport=httpx.MockTransport(peer)), **arguments
    )
    with pytest.raises(ValueError, match=words):
        llm.complete("hi")
    assert peer.requests == []


@pytest.mark.parametrize(
    ("service", "names", "base"),
    [
        ("orq", ["ORQ_API_KEY"], "ORQ_BASE_URL"),
        ("atoma", ["ATOMA_API_KEY", "ATOMASDK_BEARER_AUTH"], "ATOMA_BASE_URL"),
        ("emissary", ["EMISSARY_API_KEY", "EMISSARY_CLIENT_API_KEY"], "EMISSARY_BASE_URL"),
    ],
)
def test_the_environment(
    service: str, names: list[str], base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in reversed(names):
        monkeypatch.setenv(name, f"key-of-{name}")
        monkeypatch.setenv(base, "http://127.0.0.1:9/prefix")
        peer = Peer(whole())
        llm = model(service, peer, api_key=None)
        llm.complete("hi")
        [request] = peer.requests
        assert f"key-of-{name}" in str(request.headers.raw)
        assert str(request.url) == f"http://127.0.0.1:9/prefix{PATHS[service]}"


def test_the_environments_deployment_counts_unless_a_model_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMISSARY_PROJECT_ID", "ms-1")
    monkeypatch.setenv("EMISSARY_DEPLOYMENT_ID", "dp-1")
    assert Emissary().metadata.model_name == "dp-1"
    assert Emissary(model="m").metadata.model_name == "m"
    assert Emissary(model="m").deployment_id is None


def test_a_base_url_may_end_in_its_version() -> None:
    for base in ("https://x.test/v2/router", "https://x.test/v2/router/", "https://x.test"):
        peer = Peer(whole())
        model("orq", peer, api_base=base).complete("hi")
        assert str(peer.requests[0].url) == f"https://x.test{PATHS['orq']}"


# --- secrets ---


@pytest.mark.parametrize("service", SERVICES)
def test_the_key_is_shown_nowhere(service: str) -> None:
    llm = model(service, Peer(answer(service)), default_headers={"X-Key": KEY})
    llm.complete("hi")
    shown = [
        repr(llm),
        str(llm),
        repr(llm.to_dict()),
        llm.to_json(),
        llm.model_dump_json(),
        repr(llm.to_payload()),
        repr(llm.metadata),
    ]
    assert not [text for text in shown if KEY in text]
    with pytest.raises(ValueError, match="max_tokens") as caught:
        model(service, max_tokens=[KEY])
    assert KEY not in str(caught.value)


# --- copies ---


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("own", [False, True])
def test_pickles(service: str, used: bool, own: bool, caplog: pytest.LogCaptureFixture) -> None:
    counter = CallbackManager([TokenCountingHandler(tokenizer=lambda text: text.split())])
    peer = Peer(answer(service))
    llm = model(service, peer if own else None, callback_manager=counter, **_for(service))
    if used and own:
        llm.complete("hi")
        asyncio.run(llm.acomplete("hi"))
    elif used:
        llm._get_connections().carrier()
    again = pickle.loads(pickle.dumps(llm))
    assert type(again) is type(llm)
    assert again.api_key.get_secret_value() == KEY
    assert again.to_dict() == llm.to_dict()
    assert again.http_client is None
    again.http_client = httpx.Client(transport=httpx.MockTransport(Peer(answer(service))))
    assert again.complete("hi").text == "hello"
    assert llm.callback_manager is counter, "the original is left as it was"
    assert (llm.http_client is not None) is own
    assert not [each for each in caplog.messages if "client" in each or "_connections" in each]


def _for(service: str) -> dict[str, Any]:
    more = {"deployment": {"max_new_tokens": 6}, "orq": {"metadata": {"a": "b"}}}
    return {**ALL, **more.get(service, {})}


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("service", SERVICES)
def test_deep_copies_share_clients_and_observers(service: str, used: bool) -> None:
    counter = CallbackManager([TokenCountingHandler(tokenizer=str.split)])
    llm = model(service, Peer(answer(service)), callback_manager=counter, extra_body={"a": [1]})
    if used:
        llm.complete("hi")
    for again in (copy.deepcopy(llm), llm.model_copy(deep=True), copy.copy(llm), llm.model_copy()):
        assert again.http_client is llm.http_client
        assert again.callback_manager is counter
        assert again.complete("hi").text == "hello"
        assert again.to_dict() == llm.to_dict()
    assert copy.deepcopy(llm).extra_body["a"] is not llm.extra_body["a"]


@pytest.mark.parametrize("service", SERVICES)
def test_dicts_there_and_back(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLASSES[service].service.key_env[0], "from-the-environment")
    llm = model(service, Peer(answer(service)), **_for(service))
    llm.complete("hi")
    data = json.loads(llm.to_json())
    again = CLASSES[service].from_dict(data)
    assert again.to_dict() == llm.to_dict()
    assert again.api_key is not None
    assert again.api_key.get_secret_value() == "from-the-environment"
    without = {name: value for name, value in data.items() if name != "class_name"}
    assert CLASSES[service](**without).to_dict() == llm.to_dict()


def test_another_client_is_used_from_then_on() -> None:
    first, second = Peer(whole("one")), Peer(whole("two"))
    llm = model("orq", first)
    assert llm.complete("hi").text == "one"
    llm.http_client = httpx.Client(transport=httpx.MockTransport(second))
    assert llm.complete("hi").text == "two"
    other = llm.model_copy(
        update={"http_client": httpx.Client(transport=httpx.MockTransport(first))}
    )
    assert other.complete("hi").text == "one"
    assert llm.complete("hi").text == "two"


def test_a_key_may_be_set_later_as_plain_text() -> None:
    peer = Peer(whole())
    llm = model("orq", peer, api_key=None)
    llm.api_key = "plain"  # type: ignore[assignment]
    llm.complete("hi")
    llm.complete("hi", api_key=SecretStr("other"))
    assert [r.headers["authorization"] for r in peer.requests] == ["Bearer plain", "Bearer other"]


def test_settings_take_it_and_give_it_their_callbacks() -> None:
    manager = CallbackManager([])
    llm = model("orq", Peer(whole()))
    Settings.llm = llm
    Settings.callback_manager = manager
    assert Settings.llm is llm
    assert isinstance(Settings.llm, LLM)
    assert llm.callback_manager is manager


def test_closing() -> None:
    llm = Orq(model="a/b", api_key=KEY)
    carrier = llm._get_connections().carrier()
    llm.close()
    assert carrier.is_closed
    asyncio.run(llm.aclose())


# --- importing ---


def test_says_which_extra_is_missing() -> None:
    code = """
        import sys
        sys.modules["llama_index"] = None
        try:
            import llamaindex_emissary
        except ImportError as error:
            assert "pip install 'emissary-integrations[llamaindex]'" in str(error), error
        else:
            raise SystemExit("imported")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env=_env())


def test_imports_no_other_framework() -> None:
    code = (
        "import sys, llamaindex_emissary; "
        "bad = {'openai', 'langchain_core', 'emissary_emulator'} & sys.modules.keys(); "
        "raise SystemExit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_env())


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
