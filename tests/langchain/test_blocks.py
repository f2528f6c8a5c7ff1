"""Reasoning, text and two interleaved tool calls in one stream, by every way to read them."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_emissary.errors import RateLimited

from .chat_peer import (
    ATOMA,
    EMISSARY,
    ORQ,
    Peer,
    Played,
    Stream,
    answer,
    ask,
    call,
    chunks,
    ending,
    event,
    piece,
    usage_event,
    whole,
)

pytestmark = pytest.mark.filterwarnings("ignore:The method.*is in beta")

CALLS = [
    {"type": "tool_call", "name": "weather", "args": {"city": "Brno"}, "id": "call_1"},
    {"type": "tool_call", "name": "time", "args": {"zone": "CET"}, "id": "call_2"},
]
REASONING = {"type": "reasoning", "reasoning": "I need both."}
TEXT = {"type": "text", "text": "I look."}


def spoken(field: str) -> list[Any]:
    return [
        event({"role": "assistant", "content": ""}),
        event({field: "I need"}),
        event({field: " both."}),
        event({"content": "I "}),
    ]


def indexed(field: str) -> Stream:
    """As Orq's current API and Atoma's engines stream; text beside a call in one delta."""
    pieces = [
        piece(0, "call_1", "weather", ""),
        piece(0, None, None, '{"city": '),
        piece(1, "call_2", "time", ""),
        piece(0, None, None, '"Br'),
        piece(1, None, None, '{"zone": '),
        piece(0, None, None, 'no"}'),
        piece(1, None, None, '"CET"}'),
    ]
    first = event({"content": "look.", "tool_calls": pieces[:1]})
    rest = [event({"tool_calls": [each]}) for each in pieces[1:]]
    return Stream([*spoken(field), first, *rest, ending("tool_calls"), usage_event()])


def by_id() -> Stream:
    """As Orq's older profile streams: no index, ids and names repeated."""
    pieces = [
        piece(None, "call_1", "weather", '{"city": '),
        piece(None, "call_2", "time", '{"zone": '),
        piece(None, "call_1", "weather", '"Brno"}'),
        piece(None, "call_2", "time", '"CET"}'),
    ]
    first = event({"content": "look.", "tool_calls": pieces[:1]})
    rest = [event({"content": None, "tool_calls": [each]}) for each in pieces[1:]]
    return Stream([*spoken("reasoning"), first, *rest, ending("tool_calls"), usage_event()])


def together() -> Stream:
    """Both calls in the same deltas."""
    first = [piece(0, "call_1", "weather", '{"city": '), piece(1, "call_2", "time", '{"zone": ')]
    second = [piece(0, None, None, '"Brno"}'), piece(1, None, None, '"CET"}')]
    events = [event({"content": "look.", "tool_calls": first}), event({"tool_calls": second})]
    return Stream([*spoken("reasoning_content"), *events, ending("tool_calls")], done=False)


STREAMED = {
    "orq current": (ORQ, lambda: indexed("reasoning")),
    "orq older": (ORQ, by_id),
    "atoma": (ATOMA, lambda: indexed("reasoning_content")),
    "atoma together": (ATOMA, together),
}


def expected(message: Any) -> list[Any]:
    return [without_index(block) for block in message.content_blocks]


def without_index(block: Any) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "index"}


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("case", STREAMED)
def test_the_sum_of_a_stream_has_each_block_once(how: str, version: str, case: str) -> None:
    played, stream = STREAMED[case]
    model = played.model(Peer([stream()]), output_version=version)
    came = chunks(how, model, "Weather and time?")
    message = whole(came)
    assert expected(message) == [REASONING, TEXT, *CALLS]
    assert [each["args"] for each in message.tool_calls] == [each["args"] for each in CALLS]
    assert message.invalid_tool_calls == []
    if version == "v1":
        assert [without_index(block) for block in message.content] == [REASONING, TEXT, *CALLS]
    else:
        assert message.content == "I look."
    texts = [
        block["text"] for chunk in came for block in chunk.content_blocks if block["type"] == "text"
    ]
    assert "".join(texts) == "I look."


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
def test_a_whole_answer_has_the_same_blocks(how: str, version: str, played: Played) -> None:
    calls = [
        call("call_1", "weather", '{"city": "Brno"}'),
        call("call_2", "time", '{"zone": "CET"}'),
    ]
    body = answer("I look.", message={"reasoning_content": "I need both.", "tool_calls": calls})
    message = ask(how, played.model(Peer([body]), output_version=version))
    assert expected(message) == [REASONING, TEXT, *CALLS]


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("case", STREAMED)
def test_an_invoked_streaming_model_gives_the_same_blocks(how: str, case: str) -> None:
    played, stream = STREAMED[case]
    model = played.model(Peer([stream()]), streaming=True, output_version="v1")
    assert expected(ask(how, model)) == [REASONING, TEXT, *CALLS]


@pytest.mark.parametrize("case", STREAMED)
def test_v3_events_give_the_same_blocks(case: str) -> None:
    played, stream = STREAMED[case]
    streamed = played.model(Peer([stream()])).stream_events("Weather and time?", version="v3")
    assert "".join(streamed.text) == "I look."
    assert "".join(streamed.reasoning) == "I need both."
    assert [without_index(each) for each in streamed.tool_calls.get()] == CALLS
    message = streamed.output
    assert [without_index(block) for block in message.content] == [REASONING, TEXT, *CALLS]
    assert message.response_metadata["model_name"] == "served-model"
    assert message.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("case", STREAMED)
async def test_async_v3_events_give_the_same_blocks(case: str) -> None:
    played, stream = STREAMED[case]
    streamed = await played.model(Peer([stream()])).astream_events("Weather?", version="v3")
    message = await streamed.output
    assert [without_index(block) for block in message.content] == [REASONING, TEXT, *CALLS]


@pytest.mark.parametrize("case", STREAMED)
def test_v3_events_open_and_close_each_block_once(case: str) -> None:
    played, stream = STREAMED[case]
    events = list(played.model(Peer([stream()])).stream_events("Weather?", version="v3"))
    opened = [e["index"] for e in events if e["event"] == "content-block-start"]
    closed = [e["index"] for e in events if e["event"] == "content-block-finish"]
    assert sorted(opened) == sorted(closed)
    assert len(set(opened)) == len(opened) == 4


def test_v3_events_carry_usage() -> None:
    message = ORQ.model(Peer([by_id()])).stream_events("Weather?", version="v3").output
    assert message.usage_metadata["total_tokens"] == 19


PROMPTED = [
    "I look.\n<tool_call>\n",
    '{"name": "weather", "argum',
    'ents": {"city": "Brno"}}\n</tool_call>\n<tool_call>\n{"name": "time", ',
    '"arguments": {"zone": "CET"}}\n</tool_call>',
]
TOOLS = [
    {"name": name, "description": name, "parameters": {"type": "object", "properties": {}}}
    for name in ("weather", "time")
]


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_calls_by_prompt_give_the_same_blocks(how: str, version: str) -> None:
    events = [event({"content": text}) for text in PROMPTED]
    model = EMISSARY.model(Peer([Stream([*events, ending()])]), output_version=version)
    message = ask(how, model.bind_tools(TOOLS))
    text, *calls = expected(message)
    assert text["text"].strip() == "I look."
    assert [(each["name"], each["args"]) for each in calls] == [
        ("weather", {"city": "Brno"}),
        ("time", {"zone": "CET"}),
    ]
    assert message.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_signed_reasoning_is_a_block_with_its_signature(how: str) -> None:
    events = [
        event({"reasoning": "Bohemia."}),
        event({"reasoning_signature": "EqQ="}),
        event({"content": "Hi"}),
        ending(),
    ]
    body = answer("Hi", message={"reasoning": "Bohemia.", "reasoning_signature": "EqQ="})
    given = body if how == "invoke" else Stream(events)
    message = ask(how, ORQ.model(Peer([given]), output_version="v1"))
    assert expected(message) == [
        {"type": "reasoning", "reasoning": "Bohemia.", "extras": {"signature": "EqQ="}},
        {"type": "text", "text": "Hi"},
    ]


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_v1_answers_go_back_as_the_service_wants_them(how: str) -> None:
    given = by_id() if how == "stream" else answer("I look.", message={"reasoning": "I need both."})
    peer = Peer([given, answer()])
    model = ORQ.model(peer, output_version="v1")
    first = ask(how, model)
    model.invoke(["Weather?", first, "And?"])
    turn = peer.body["messages"][1]
    assert turn["content"] == "I look."
    assert turn["reasoning_content"] == "I need both."
    assert len(turn.get("tool_calls", [])) == (2 if how == "stream" else 0)


def test_an_invalid_call_is_a_block_of_its_own() -> None:
    body = answer(None, message={"tool_calls": [call("call_1", "weather", '{"city')]})
    [block] = ask("invoke", ORQ.model(Peer([body]))).content_blocks
    assert (block["type"], block["name"], block["args"]) == (
        "invalid_tool_call",
        "weather",
        '{"city',
    )


@pytest.mark.parametrize("cls", [AIMessage, AIMessageChunk])
def test_content_that_is_no_text_is_left_to_langchain(cls: Any) -> None:
    content = [{"type": "text", "text": "Hi"}]
    message = cls(content=content, response_metadata={"model_provider": "orq"})
    assert message.content_blocks == content


FAILING = [event({"content": "The"}), {"error": {"code": "rate_limit_exceeded", "message": "Slow"}}]


def test_v3_events_raise_what_the_stream_raises_after_what_came() -> None:
    streamed = ORQ.model(Peer([Stream(FAILING)])).stream_events("Hi", version="v3")
    came: list[str] = []
    with pytest.raises(RateLimited, match="Slow"):
        came.extend(streamed.text)
    assert came == ["The"]


async def output_of(model: Any, version: Any) -> Any:
    streamed = model.astream_events("Hi", version=version)
    if version == "v2":
        return [told async for told in streamed]
    return await (await streamed).output


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_async_events_raise_what_the_stream_raises(version: Any) -> None:
    with pytest.raises(RateLimited, match="Slow"):
        await output_of(ORQ.model(Peer([Stream(FAILING)])), version)


@pytest.mark.parametrize("arguments", ["", "null", None, "{}"])
@pytest.mark.parametrize("version", ["v0", "v1", "v3"])
def test_a_streamed_call_without_arguments_is_a_call(arguments: Any, version: str) -> None:
    first = event({"tool_calls": [piece(0, "call_1", "time", arguments)]})
    peer = Peer([Stream([first, ending("tool_calls")])])
    if version == "v3":
        message = ORQ.model(peer).stream_events("Time?", version="v3").output
    else:
        message = ask("stream", ORQ.model(peer, output_version=version))
    assert [(each["name"], each["args"]) for each in message.tool_calls] == [("time", {})]
    assert message.invalid_tool_calls == []


def test_null_in_the_middle_of_arguments_stays() -> None:
    texts = ['{"zone": ', "null", "}"]
    pieces = [piece(0, "call_1", "time", texts[0]), *(piece(0, None, None, t) for t in texts[1:])]
    stream = Stream([*(event({"tool_calls": [each]}) for each in pieces), ending("tool_calls")])
    assert ask("stream", ORQ.model(Peer([stream]))).tool_calls[0]["args"] == {"zone": None}
