"""What a model is: serialised, cached, copied, pickled, counted, traced."""

import copy
import pickle
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, HumanMessage, trim_messages
from langchain_core.runnables import RunnableSerializable
from langchain_core.tools import tool

from emissary_transport import __version__
from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq, OrqLLM

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    KEY,
    ORQ,
    PLAYED,
    Peer,
    Played,
    answer,
    answers,
    ask,
    clients,
)

SETTINGS: dict[str, Any] = {
    "temperature": 0.5,
    "max_tokens": 9,
    "stop": ["x"],
    "timeout": 30.0,
    "max_retries": 1,
    "base_url": "https://x.test",
    "model_kwargs": {"a": 1},
    "extra_body": {"b": 2},
    "output_version": "v1",
}


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("timeout", [30.0, (5.0, 30.0), None])
def test_a_model_comes_back_from_its_serialised_form(played: Played, timeout: Any) -> None:
    model = played.cls(**{**SETTINGS, **played.params, "api_key": KEY, "timeout": timeout})
    told = dumpd(model)
    assert told["id"] == ["langchain_emissary", "chat_models", played.cls.__name__]
    again = load(
        told,
        allowed_objects=[played.cls],
        valid_namespaces=["langchain_emissary"],
        secrets_map={f"{played.name.upper()}_API_KEY": KEY},
    )
    assert type(again) is played.cls
    assert again.api_key.get_secret_value() == KEY
    for name in {*SETTINGS, *played.params} - {"timeout"}:
        assert getattr(again, name) == getattr(model, name), name
    peers = [Peer([answers("invoke", played=played)]) for _ in range(2)]
    for peer, each in zip(peers, (model, again), strict=True):
        fields = {name: getattr(each, name) for name in played.cls.model_fields}
        played.cls(**fields | clients(peer)).invoke("Hi")
    assert peers[0].body == peers[1].body
    assert peers[0].request.headers == peers[1].request.headers
    assert peers[0].request.extensions["timeout"] == peers[1].request.extensions["timeout"]


FALSY = {
    "name": "billing",
    "temperature": 0.0,
    "max_retries": 0,
    "stream_usage": False,
    "streaming": False,
    "stop": [],
    "model_kwargs": {},
    "extra_body": {},
    "tags": [],
    "metadata": {"team": "a"},
    "cache": False,
    "default_headers": {"X": "y"},
}


@pytest.mark.parametrize("cls", [*(played.cls for played in PLAYED.values()), OrqLLM])
@pytest.mark.parametrize("given", [{}, SETTINGS, FALSY], ids=["bare", "set", "falsy"])
def test_its_serialised_form_is_langchains_own(cls: Any, given: Any) -> None:
    known = {name: value for name, value in given.items() if name in cls.model_fields}
    model = cls(**{"model": "m", "api_key": KEY, **known})
    assert model.to_json() == RunnableSerializable.to_json(model)


def test_a_subclass_may_have_further_facts_and_secrets() -> None:
    class NoTruth:
        def __bool__(self) -> bool:
            raise ValueError("neither")

    class Tagged(ChatOrq):
        token: str = ""
        prior: Any = NoTruth()

        @property
        def lc_attributes(self) -> dict[str, Any]:
            return {"team": "a"}

        @property
        def lc_secrets(self) -> dict[str, str]:
            return {"token": "TOKEN"}

    class Kept(ChatOrq):
        @classmethod
        def is_lc_serializable(cls) -> bool:
            return False

    told = Tagged(model="m", api_key=KEY, token="secret").to_json()["kwargs"]  # type: ignore[arg-type]
    assert told["team"] == "a"
    assert [told[name]["id"] for name in ("token", "api_key")] == [["TOKEN"], ["ORQ_API_KEY"]]
    assert Kept(model="m", api_key=KEY).to_json()["type"] == "not_implemented"  # type: ignore[arg-type]


def key_of(model: Any, **options: Any) -> str:
    key = model._get_llm_string(**options)
    assert isinstance(key, str)
    return key


DIFFERENT = [
    {"base_url": "https://other.test"},
    {"temperature": 0.1},
    {"max_tokens": 5},
    {"stop": ["x"]},
    {"model_kwargs": {"a": 1}},
    {"extra_body": {"a": 1}},
]


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("change", DIFFERENT, ids=lambda change: next(iter(change)))
def test_models_that_answer_differently_have_different_cache_keys(
    played: Played, change: Any
) -> None:
    same = [key_of(played.model(Peer([]))) for _ in range(2)]
    assert same[0] == same[1]
    assert key_of(played.model(Peer([]), **change)) != same[0]


def test_deployments_models_and_services_have_different_cache_keys() -> None:
    models = [
        *(played.model(Peer([])) for played in PLAYED.values()),
        DEPLOYMENT.model(Peer([]), deployment_id="dp-2"),
        DEPLOYMENT.model(Peer([]), project_id="ms-2"),
        ORQ.model(Peer([]), model="meta-llama/Llama"),
        ATOMA.model(Peer([]), model="openai/gpt-4o"),
        ORQ.model(Peer([]), n=2),
        ORQ.model(Peer([]), router_metadata={"a": "b"}),
        ORQ.model(Peer([]), reasoning_effort="low"),
        EMISSARY.model(Peer([]), tool_calling="native"),
    ]
    assert len({key_of(model) for model in models}) == len(models)


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_the_cache_key_follows_the_model_and_the_call(played: Played) -> None:
    model = played.model(Peer([answers("invoke", played=played)]))
    keys = [key_of(model)]
    model.temperature = 0.7
    keys.append(key_of(model))
    keys += [key_of(model, temperature=0.1), key_of(model, stop=["x"]), key_of(model, tools=[{}])]
    keys.append(key_of(model, base_url="https://other.test"))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_a_cache_answers_the_same_question_once(how: str, played: Played) -> None:
    peer = Peer([answers(how, played=played)])
    model = played.model(peer, cache=InMemoryCache())
    first, second = ask(how, model), ask(how, model)
    assert (first.content, len(peer.requests)) == (second.content, 1)
    ask(how, model, temperature=0.1)
    ask(how, played.model(peer, cache=model.cache, base_url="https://other.test"))
    assert len(peer.requests) == 3


COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda model: model.model_copy(),
    "model_copy deep": lambda model: model.model_copy(deep=True),
}


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
async def test_a_copy_shares_the_users_clients(played: Played, way: str, used: bool) -> None:
    peer = Peer([answers("invoke", played=played)])
    model = played.model(peer, model_kwargs={"a": [1]})
    if used:
        model.invoke("Hi")
        await model.ainvoke("Hi")
    copied = COPIES[way](model)
    assert copied.http_client is model.http_client
    assert copied.http_async_client is model.http_async_client
    copied.temperature = 0.1
    assert model.temperature is None
    if "deep" in way:
        copied.model_kwargs["a"].append(2)
        assert model.model_kwargs == {"a": [1]}
    assert copied.invoke("Hi").content == "The Vltava."
    assert (await copied.ainvoke("Hi")).content == "The Vltava."
    assert peer.body["temperature"] == 0.1


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", [ORQ, EMISSARY], ids=["orq", "emissary"])
def test_a_model_survives_pickling_before_and_after_use(
    how: str, played: Played, emulator: Any
) -> None:
    at = {"base_url": f"{emulator.base_url}/{played.name}", "api_key": KEY}
    model = played.cls(**{**played.params, **at})
    fresh = pickle.loads(pickle.dumps(model))
    question = "Which river flows through Prague?"
    assert "Vltava" in ask(how, fresh, question).content
    again = pickle.loads(pickle.dumps(fresh))
    assert again.asdict() == model.asdict()
    assert again.api_key == model.api_key
    assert "Vltava" in ask(how, again, question).content
    copied = copy.deepcopy(again)
    assert "Vltava" in ask(how, copied, question).content
    for each in (model, fresh, again, copied):
        each.close()


LS_PARAMS = [
    ({}, {}, {}),
    ({"temperature": 0.5}, {}, {"ls_temperature": 0.5}),
    ({"temperature": 0.5}, {"temperature": 0}, {"ls_temperature": 0}),
    ({"max_tokens": 9}, {}, {"ls_max_tokens": 9}),
    ({"max_tokens": 9}, {"max_tokens": 5}, {"ls_max_tokens": 5}),
    ({"stop": "x"}, {}, {"ls_stop": ["x"]}),
    ({"stop": ["x"]}, {"stop": ["y", "z"]}, {"ls_stop": ["y", "z"]}),
    ({"temperature": 0.5}, {"temperature": None}, {}),
]


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize(("instance", "called", "expected"), LS_PARAMS)
def test_what_tracing_is_told(played: Played, instance: Any, called: Any, expected: Any) -> None:
    told = dict(played.model(Peer([]), **instance)._get_ls_params(**called))
    name = played.params.get("model") or "dp-1"
    always = {"ls_provider": played.name, "ls_model_name": name, "ls_model_type": "chat"}
    assert told == always | expected


@pytest.mark.parametrize("played", [ORQ, ATOMA, EMISSARY], ids=["orq", "atoma", "emissary"])
def test_a_limit_by_its_other_name_is_told_too(played: Played) -> None:
    told = played.model(Peer([]), max_tokens=9)._get_ls_params(max_completion_tokens=5)
    assert told["ls_max_tokens"] == 5
    assert played.model(Peer([]))._get_ls_params(model="other")["ls_model_name"] == "other"


def test_the_answers_provider_is_the_traced_one() -> None:
    for played in PLAYED.values():
        model = played.model(Peer([answers("invoke", played=played)]))
        told = model.invoke("Hi").response_metadata["model_provider"]
        assert told == model._get_ls_params()["ls_provider"]


def test_outputs_are_combined() -> None:
    model = ORQ.model(Peer([]))
    outputs = [
        {"token_usage": {"total_tokens": 3}, "model_name": "m", "system_fingerprint": "fp"},
        None,
        {"token_usage": None, "model_name": "m"},
        {"token_usage": {"total_tokens": 4, "prompt_tokens": 1}},
    ]
    assert model._combine_llm_outputs(outputs) == {
        "token_usage": {"total_tokens": 7, "prompt_tokens": 1},
        "model_name": "m",
        "system_fingerprint": "fp",
    }
    assert model._combine_llm_outputs([]) == {}


@pytest.mark.parametrize("cls", [ChatEmissary, ChatOrq, ChatAtoma])
def test_a_model_says_which_version_it_is_of(cls: Any) -> None:
    model = cls(model="m", api_key=KEY)
    assert model.metadata["lc_versions"]["emissary-integrations"] == __version__


def test_version_metadata_is_not_sent_to_orq() -> None:
    peer = Peer([answer()])
    ORQ.model(peer, metadata={"ticket": "42"}).invoke("Hi")
    assert peer.body["metadata"] == {"ticket": "42"}


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return city


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_tokens_are_counted_without_a_download(played: Played) -> None:
    model = played.model(Peer([]))
    assert model.get_num_tokens("") == 0
    assert model.get_num_tokens("The Vltava flows.") == 5
    messages = [HumanMessage("Which river?"), AIMessage("The Vltava.")]
    counted = model.get_num_tokens_from_messages(messages)
    assert 0 < counted < model.get_num_tokens_from_messages(messages, tools=[weather])
    history = [HumanMessage("word " * 100), AIMessage("Hm."), HumanMessage("Which river?")]
    kept = trim_messages(history, max_tokens=20, token_counter=model, start_on="human")
    assert kept == history[-1:]
