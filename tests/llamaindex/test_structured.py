"""Objects out: by schema, by tool, by prompt; whole and growing."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any, Generic, TypeVar

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field

from llamaindex.peer import (
    CALLS_END,
    END,
    USED,
    Both,
    Peer,
    called,
    deployed,
    event,
    model,
    piece,
    sse,
    whole,
)


class Song(BaseModel):
    title: str
    seconds: int


class Album(BaseModel):
    """An album of songs."""

    name: str
    songs: list[Song] = Field(default_factory=list)


ALBUM = {
    "name": "Vltava",
    "songs": [{"title": "One", "seconds": 1}, {"title": "Two", "seconds": 2}],
}
TEXT = json.dumps(ALBUM)
PROMPT = PromptTemplate("Make an album about {topic}.")
CALL = {"id": "a", "type": "function", "function": {"name": "Album", "arguments": TEXT}}
PIECES = [TEXT[at : at + 7] for at in range(0, len(TEXT), 7)]
SYSTEM = {"role": "system", "content": "Be kind."}
FUNCTION = PydanticProgramMode.FUNCTION


def by_tool(*pieces: str) -> Any:
    return sse(
        called(piece("", "Album", "a", 0)),
        *(called(piece(each, index=0)) for each in pieces),
        CALLS_END,
        USED,
    )


@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_by_json_schema_where_the_service_has_it(service: str, how: str) -> None:
    peer = Peer(whole(TEXT))
    llm = model(service, peer, system_prompt="Be kind.")
    album = Both(how, llm).structured(Album, PROMPT, topic="rivers")
    assert album == Album(**ALBUM)
    wanted = peer.body["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["name"] == "Album"
    assert wanted["json_schema"]["schema"]["$defs"]["Song"]["required"] == ["title", "seconds"]
    assert "tools" not in peer.body
    assert peer.body["messages"] == [
        SYSTEM,
        {"role": "user", "content": "Make an album about rivers."},
    ]


@pytest.mark.parametrize("service", ["emissary", "deployment"])
def test_by_prompt_where_there_is_nothing_else(service: str, how: str) -> None:
    answer = f"Here you are:\n```json\n{TEXT}\n```"
    peer = Peer(deployed(answer) if service == "deployment" else whole(answer))
    llm = model(service, peer, system_prompt="Be kind.")
    assert Both(how, llm).structured(Album, PROMPT, topic="rivers") == Album(**ALBUM)
    system, user = peer.body["messages"]
    assert system["content"].startswith("Be kind.")
    assert '"Song"' in system["content"]
    assert user["content"] == "Make an album about rivers."
    assert not {"response_format", "tools"} & peer.body.keys()


@pytest.mark.parametrize("service", ["orq", "atoma", "emissary"])
def test_an_explicit_function_mode_forces_the_tool(service: str, how: str) -> None:
    prompted = f'<tool_call>\n{{"name": "Album", "arguments": {TEXT}}}\n</tool_call>'
    peer = Peer(whole(prompted) if service == "emissary" else whole(None, tool_calls=[CALL]))
    llm = model(service, peer, system_prompt="Be kind.", pydantic_program_mode=FUNCTION)
    assert Both(how, llm).structured(Album, PROMPT, topic="rivers") == Album(**ALBUM)
    assert peer.body["messages"][0]["role"] == "system"
    assert peer.body["messages"][0]["content"].startswith("Be kind.")
    assert "response_format" not in peer.body
    if service != "emissary":
        named = {"type": "function", "function": {"name": "Album"}}
        assert peer.body["tool_choice"] == {"orq": "required", "atoma": named}[service]
        assert peer.body["parallel_tool_calls"] is False


def test_native_emissary_has_tools_but_no_schemas(how: str) -> None:
    peer = Peer(whole(None, tool_calls=[CALL]))
    llm = model("emissary", peer, tool_calling="native")
    assert Both(how, llm).structured(Album, PROMPT, topic="x") == Album(**ALBUM)
    assert peer.body["tool_choice"] == "required"
    assert "response_format" not in peer.body


def test_an_explicit_llm_mode_asks_in_words(how: str) -> None:
    peer = Peer(whole(TEXT))
    llm = model(
        "orq", peer, system_prompt="Be kind.", pydantic_program_mode=PydanticProgramMode.LLM
    )
    assert Both(how, llm).structured(Album, PROMPT, topic="x") == Album(**ALBUM)
    assert not {"response_format", "tools"} & peer.body.keys()
    assert peer.body["messages"][0]["content"].startswith("Be kind.")


def test_without_tools_and_schemas_asks_in_words(how: str) -> None:
    peer = Peer(whole(TEXT))
    llm = model("emissary", peer, tool_calling="native", is_function_calling_model=False)
    assert Both(how, llm).structured(Album, PROMPT, topic="x") == Album(**ALBUM)
    assert "tools" not in peer.body


def assert_grows(objects: list[Any]) -> None:
    assert objects[-1] == Album(**ALBUM)
    assert isinstance(objects[-1], Album)
    real = [each for each in objects if isinstance(each, Album)]
    assert len(real) > 2
    names = [each.name or "" for each in objects if hasattr(each, "name")]
    assert all(after.startswith(before) for before, after in pairwise(names))
    counts = [len(each.songs or []) for each in objects if hasattr(each, "songs")]
    assert counts == sorted(counts)
    assert {1, 2} <= set(counts)


@pytest.mark.parametrize("service", ["orq", "atoma", "emissary"])
def test_objects_grow_by_schema(service: str, how: str) -> None:
    peer = Peer(sse(*(event({"content": each}) for each in PIECES), END, USED))
    llm = model(service, peer, system_prompt="Be kind.")
    assert_grows(Both(how, llm).stream_structured(Album, PROMPT, topic="x"))
    assert ("response_format" in peer.body) is (service != "emissary")
    assert peer.body["messages"][0]["content"].startswith("Be kind.")


@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_objects_grow_by_tool_which_is_forced(service: str, how: str) -> None:
    peer = Peer(by_tool(*PIECES))
    llm = model(service, peer, system_prompt="Be kind.", pydantic_program_mode=FUNCTION)
    assert_grows(Both(how, llm).stream_structured(Album, PROMPT, topic="x"))
    named = {"type": "function", "function": {"name": "Album"}}
    assert peer.body["tool_choice"] == {"orq": "required", "atoma": named}[service]
    assert peer.body["messages"][0] == SYSTEM


def test_streams_in_words(how: str) -> None:
    peer = Peer(sse(*(event({"content": each}) for each in PIECES), END))
    llm = model("orq", peer, pydantic_program_mode=PydanticProgramMode.LLM)
    assert Both(how, llm).stream_structured(Album, PROMPT, topic="x")[-1] == Album(**ALBUM)


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, FUNCTION])
@pytest.mark.parametrize("text", ["no", '{"name": 1', '{"songs": []}', ""])
def test_an_answer_that_does_not_fit_is_an_error(mode: Any, text: str, how: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "Album", "arguments": text}}
    answer = whole(None, tool_calls=[call]) if mode == FUNCTION else whole(text)
    llm = model("orq", Peer(answer), pydantic_program_mode=mode)
    with pytest.raises(ValueError, match="no Album"):
        Both(how, llm).structured(Album, PROMPT, topic="x")


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, FUNCTION])
def test_a_stream_that_does_not_fit_is_an_error_at_its_end(mode: Any, how: str) -> None:
    cut = PIECES[:-3]
    answer = by_tool(*cut) if mode == FUNCTION else sse(*(event({"content": c}) for c in cut), END)
    llm = model("orq", Peer(answer), pydantic_program_mode=mode)
    seen: list[Any] = []
    with pytest.raises(ValueError, match="no Album"):
        Both(how, llm).stream_structured(Album, PROMPT, topic="x", into=seen)
    assert seen


def test_a_refusal_says_so(how: str) -> None:
    llm = model("orq", Peer(whole(None, refusal="I won't.")))
    with pytest.raises(ValueError, match="refused: I won't"):
        Both(how, llm).structured(Album, PROMPT, topic="x")


def test_no_call_is_an_error(how: str) -> None:
    llm = model("orq", Peer(whole("Sorry.")), pydantic_program_mode=FUNCTION)
    with pytest.raises(ValueError, match="called no tool"):
        Both(how, llm).structured(Album, PROMPT, topic="x")


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, FUNCTION])
def test_names_are_made_sendable(mode: Any, how: str) -> None:
    call = {"id": "a", "function": {"name": "Box_int_", "arguments": '{"content": 1}'}}
    answer = whole(None, tool_calls=[call]) if mode == FUNCTION else whole('{"content": 1}')
    peer = Peer(answer)
    llm = model("orq", peer, pydantic_program_mode=mode)
    assert Both(how, llm).structured(Box[int], PROMPT, topic="x").content == 1
    sent = (
        peer.body["tools"][0]["function"]
        if mode == FUNCTION
        else peer.body["response_format"]["json_schema"]
    )
    assert sent["name"] == "Box_int_"


def test_as_structured_llm(how: str) -> None:
    peer = Peer(whole(TEXT))
    llm = model("orq", peer, system_prompt="Be kind.").as_structured_llm(Album)
    both = Both(how, llm)
    answer = both.chat([ChatMessage(role="user", content="go {now}")], temperature=0)
    assert answer.raw == Album(**ALBUM)
    assert json.loads(answer.message.content or "") == ALBUM
    assert peer.body["temperature"] == 0
    assert [m["role"] for m in peer.body["messages"]] == ["system", "user"]
    assert peer.body["messages"][1]["content"] == "go {now}"
    assert both.complete("go").raw == Album(**ALBUM)


@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")  # core's own use
def test_as_structured_llm_streams(how: str) -> None:
    peer = Peer(sse(*(event({"content": each}) for each in PIECES), END))
    llm = model("orq", peer).as_structured_llm(Album)
    chunks = Both(how, llm).stream_chat()
    assert chunks[-1].raw == Album(**ALBUM)


def test_llm_kwargs_are_passed_on_and_left_alone(how: str) -> None:
    peer = Peer(whole(TEXT))
    options = {"temperature": 0, "tool_choice": "auto", "tool_required": False}
    Both(how, model("orq", peer)).structured(Album, PROMPT, llm_kwargs=options, topic="x")
    assert peer.body["temperature"] == 0
    assert "tool_choice" not in peer.body
    assert options.keys() == {"temperature", "tool_choice", "tool_required"}


def test_chat_prompts_keep_their_messages(how: str) -> None:
    peer = Peer(whole(TEXT))
    prompt = ChatPromptTemplate(
        message_templates=[
            ChatMessage(role="system", content="About {topic}."),
            ChatMessage(role="user", content="Go."),
        ]
    )
    Both(how, model("orq", peer)).structured(Album, prompt, topic="rivers")
    assert peer.body["messages"][0]["content"] == "About rivers."


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, FUNCTION])
def test_leaving_early_closes_the_stream(mode: Any) -> None:
    answer = (
        by_tool(*PIECES)
        if mode == FUNCTION
        else sse(*(event({"content": each}) for each in PIECES), END)
    )
    llm = model("orq", Peer(answer), pydantic_program_mode=mode)

    async def first() -> Any:
        stream = await llm.astream_structured_predict(Album, PROMPT, topic="x")
        each = await anext(stream)
        await stream.aclose()
        return each

    assert asyncio.run(first()) is not None
    stream = llm.stream_structured_predict(Album, PROMPT, topic="x")
    next(stream)
    stream.close()
