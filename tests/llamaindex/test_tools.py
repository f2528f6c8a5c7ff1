"""Tools in, calls out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock, ToolCallBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool

from emissary_transport.errors import MissingToolCall
from llamaindex.peer import CALLS_END, HI, Both, Peer, called, deployed, model, piece, sse, whole

SPEC = {"name": "add", "arguments": '{"a": 1, "b": 2}'}
CALL = {"id": "c1", "type": "function", "function": SPEC}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TOOL = FunctionTool.from_defaults(add)
OTHER = FunctionTool.from_defaults(lambda: "", name="noon", description="Tell noon.")


def with_tools(how: str, llm: Any, **options: Any) -> ChatResponse:
    if how == "sync":
        return llm.chat_with_tools([TOOL, OTHER], user_msg="1+2?", **options)  # type: ignore[no-any-return]
    return asyncio.run(llm.achat_with_tools([TOOL, OTHER], user_msg="1+2?", **options))


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({}, "auto"),
        ({"tool_choice": None}, "auto"),
        ({"tool_required": True}, "required"),
        ({"tool_required": True, "tool_choice": None}, "required"),
        ({"tool_choice": "none", "tool_required": True}, "none"),
        ({"tool_choice": "add"}, {"type": "function", "function": {"name": "add"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "add"}}},
            {"type": "function", "function": {"name": "add"}},
        ),
    ],
)
def test_tool_choice_on_the_wire(options: Any, choice: Any, how: str) -> None:
    peer = Peer(whole(None, tool_calls=[CALL]))
    with_tools(how, model("orq", peer), **options)
    assert peer.body["tool_choice"] == choice
    assert [tool["function"]["name"] for tool in peer.body["tools"]] == ["add", "noon"]
    assert peer.body["tools"][1]["function"]["parameters"]["properties"] == {}


@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_are_asked_for_and_trimmed(parallel: bool, how: str) -> None:
    second = {**CALL, "id": "c2"}
    peer = Peer(whole("so", tool_calls=[CALL, second]))
    llm = model("atoma", peer)
    answer = with_tools(how, llm, allow_parallel_tool_calls=parallel)
    assert peer.body["parallel_tool_calls"] is parallel
    ids = [selection.tool_id for selection in llm.get_tool_calls_from_response(answer)]
    assert ids == (["c1", "c2"] if parallel else ["c1"])
    assert len(answer.message.additional_kwargs["tool_calls"]) == len(ids)
    assert answer.message.content == "so"


def test_prepared_without_touching_the_history() -> None:
    llm = model("orq")
    history = [ChatMessage(role="system", content="s")]
    prepared = llm._prepare_chat_with_tools([TOOL], "hi", history, tool_required=True, seed=1)
    assert len(history) == 1
    assert [str(message) for message in prepared["messages"]] == ["system: s", "user: hi"]
    assert prepared["tool_choice"] == "required"
    assert prepared["parallel_tool_calls"] is False
    assert prepared["seed"] == 1
    assert llm._prepare_chat_with_tools([], "hi").keys() == {"messages"}


@pytest.mark.parametrize("service", ["orq", "atoma"])
def test_calls_come_in_both_forms(service: str, how: str) -> None:
    message = Both(how, model(service, Peer(whole(None, tool_calls=[CALL])))).chat().message
    text, call = message.blocks
    assert text == TextBlock(text="")
    assert call == ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1, "b": 2})
    assert message.additional_kwargs["tool_calls"] == [CALL]


def test_calls_stream_in_both_forms_with_growing_arguments(how: str) -> None:
    peer = Peer(
        sse(
            called(piece("", "add", "c1", 0)),
            called(piece('{"a": 1, "te', index=0)),
            called(piece('xt": "so', index=0)),
            called(piece(' far"}', index=0)),
            CALLS_END,
        )
    )
    llm = model("orq", peer)
    chunks = Both(how, llm).stream_chat()
    seen = [llm.get_tool_calls_from_response(chunk)[0].tool_kwargs for chunk in chunks]
    assert seen == [
        {},
        {"a": 1},
        {"a": 1, "text": "so"},
        {"a": 1, "text": "so far"},
        {"a": 1, "text": "so far"},
    ]
    texts = [c.message.additional_kwargs["tool_calls"][0]["function"]["arguments"] for c in chunks]
    assert texts[1] == '{"a": 1, "te'
    assert texts[-1] == '{"a": 1, "text": "so far"}'
    assert all(chunk.delta == "" for chunk in chunks)


def test_no_call_is_an_error_only_if_wanted() -> None:
    llm = model("orq")
    empty = ChatResponse(message=ChatMessage(role="assistant", content="hi"))
    assert llm.get_tool_calls_from_response(empty, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="at least one tool call"):
        llm.get_tool_calls_from_response(empty)


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ("", {}),
        ("{}", {}),
        ('{"a": 1', {}),
        ('{"a": 1,', {"a": 1}),
        ("{'a': 1}", {}),
        ("[1]", {}),
        ('{"a": 1}{"a": 2}', {}),
    ],
)
def test_arguments_of_responses_made_elsewhere(arguments: str, read: Any) -> None:
    listed = [{"id": None, "function": {"name": "add", "arguments": arguments}}]
    message = ChatMessage(role="assistant", additional_kwargs={"tool_calls": listed})
    [selection] = model("orq").get_tool_calls_from_response(ChatResponse(message=message))
    got = selection.tool_kwargs
    assert {name: value for name, value in got.items() if value is not None} == read
    assert isinstance(selection.tool_id, str)
    assert selection.tool_id


@pytest.mark.parametrize("service", ["orq", "atoma", "emissary", "deployment"])
def test_predict_and_call(service: str, how: str) -> None:
    prompted = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'
    answers = {
        "emissary": whole(prompted),
        "deployment": deployed(prompted),
    }
    peer = Peer(answers.get(service) or whole(None, tool_calls=[CALL]))
    llm = model(service, peer)
    if how == "sync":
        answer = llm.predict_and_call([TOOL, OTHER], user_msg="1+2?")
    else:
        answer = asyncio.run(llm.apredict_and_call([TOOL, OTHER], user_msg="1+2?"))
    assert answer.response == "3"
    assert ("tools" in peer.body) is (service in {"orq", "atoma"})


def test_a_required_call_that_never_comes_is_an_error(how: str) -> None:
    peer = Peer(deployed("no"))
    with pytest.raises(MissingToolCall):
        with_tools(how, model("deployment", peer), tool_required=True)
    assert len(peer.requests) == 2


def test_native_tools_of_emissary(how: str) -> None:
    peer = Peer(whole(None, tool_calls=[CALL]))
    answer = with_tools(how, model("emissary", peer, tool_calling="native"))
    assert peer.body["tools"]
    assert answer.message.blocks[-1].tool_kwargs == {"a": 1, "b": 2}


def test_is_function_calling_and_can_be_denied() -> None:
    llm = model("orq", is_function_calling_model=False)
    assert isinstance(llm, FunctionCallingLLM)
    assert not llm.metadata.is_function_calling_model
    assert model("deployment").metadata.is_function_calling_model


def test_history_of_an_agent_goes_back_as_it_came(how: str) -> None:
    peer = Peer(whole(None, tool_calls=[CALL]), whole("3"))
    both = Both(how, model("orq", peer))
    first = both.chat(tools=[TOOL.metadata.to_openai_tool()])
    result = ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c1"})
    both.chat([*HI, first.message, result])
    assert peer.body["messages"][1] == {"role": "assistant", "tool_calls": [CALL]}


@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning")
@pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning")
@pytest.mark.parametrize("service", ["orq", "atoma", "emissary"])
async def test_one_agent_hands_over_to_another(service: str) -> None:
    def asks(name: str, arguments: str) -> Any:
        if service == "emissary":
            return whole(f'<tool_call>{{"name": "{name}", "arguments": {arguments}}}</tool_call>')
        call = {"id": name, "type": "function", "function": {"name": name, "arguments": arguments}}
        return whole(None, tool_calls=[call])

    peer = Peer(
        asks("handoff", '{"to_agent": "adder", "reason": "numbers"}'),
        asks("add", '{"a": 1, "b": 2}'),
        whole("It is 3."),
    )
    llm = model(service, peer)
    memory = ChatMemoryBuffer.from_defaults(token_limit=10_000)
    common: Any = {"llm": llm, "streaming": False}
    clerk = FunctionAgent(name="clerk", description="Greets.", tools=[OTHER], **common)
    adder = FunctionAgent(name="adder", description="Adds.", tools=[TOOL], **common)
    workflow = AgentWorkflow(agents=[clerk, adder], root_agent="clerk")
    assert str(await workflow.run("1+2?", memory=memory)) == "It is 3."
    last = peer.body["messages"]
    if service == "emissary":
        assert "<tool_response>" in last[-1]["content"]
    else:
        calls = [call["id"] for turn in last for call in turn.get("tool_calls", ())]
        results = [turn["tool_call_id"] for turn in last if turn["role"] == "tool"]
        assert calls[-1] == results[-1] == "add"
        assert set(results) <= set(calls)
