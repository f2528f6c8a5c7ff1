"""LangChain's agents and LangGraph with each service, against the emulator."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware, SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel

import emissary_emulator
from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq

from .chat_peer import KEY

DEPLOYED = {"project_id": "ms-12345", "deployment_id": "dp-12345"}
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "orq": (ChatOrq, {"model": "openai/gpt-4o"}),
    "atoma": (ChatAtoma, {"model": "meta-llama/Llama-3.3-70B-Instruct"}),
    "emissary": (ChatEmissary, {"model": "Llama-3.2-3B-Instruct"}),
    "deployment": (ChatEmissary, DEPLOYED),
    "streamed deployment": (ChatEmissary, DEPLOYED | {"streaming": True}),
}

NEEDS_CONTEXT = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="no config reaches a task's model before",
)
ModelOf = Callable[..., Any]


@pytest.fixture(params=MODELS)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model_of(service: str, emulator: emissary_emulator.Server) -> Iterator[ModelOf]:
    emulator.clear()
    cls, params = MODELS[service]
    prefix = "emissary" if "deployment" in service else service

    def made(**more: Any) -> Any:
        base_url = f"{emulator.base_url}/{prefix}"
        return cls(**{**params, "base_url": base_url, "api_key": KEY, **more})

    yield made
    emulator.clear()


@tool
def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"It is 14 C and rainy in {city}."


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


TOOLS = [get_weather, multiply]
WEATHER = {"messages": [HumanMessage("What is the weather in Brno?")]}
BOTH = {"messages": [HumanMessage("What is the weather in Brno and what is 6 times 7?")]}


def run(how: str, agent: Any, given: Any) -> Any:
    config = {"recursion_limit": 12}
    if how == "invoke":
        return agent.invoke(given, config)
    return asyncio.run(agent.ainvoke(given, config))


def streamed(how: str, agent: Any, given: Any, mode: str) -> list[Any]:
    if how == "stream":
        return list(agent.stream(given, stream_mode=mode))

    async def collected() -> list[Any]:
        return [each async for each in agent.astream(given, stream_mode=mode)]

    return asyncio.run(collected())


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_an_agent_calls_a_tool_and_tells_its_result(how: str, model_of: ModelOf) -> None:
    agent = create_agent(model_of(), TOOLS, system_prompt="You are a helpful assistant.")
    turns = run(how, agent, WEATHER)["messages"]
    assert [type(turn) for turn in turns] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert turns[1].tool_calls[0]["name"] == "get_weather"
    assert turns[1].tool_calls[0]["args"] == {"city": "Brno"}
    assert turns[2].tool_call_id == turns[1].tool_calls[0]["id"]
    assert "14" in turns[3].content


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("streaming", [None, True])
def test_parallel_calls_are_all_made_and_answered(
    how: str, streaming: Any, model_of: ModelOf
) -> None:
    turns = run(how, create_agent(model_of(streaming=streaming), TOOLS), BOTH)["messages"]
    calls = [call for turn in turns if isinstance(turn, AIMessage) for call in turn.tool_calls]
    assert sorted(call["name"] for call in calls) == ["get_weather", "multiply"]
    assert len({call["id"] for call in calls}) == 2
    results = [turn.content for turn in turns if isinstance(turn, ToolMessage)]
    assert "42" in results
    assert isinstance(turns[-1], AIMessage)
    assert not turns[-1].tool_calls


@pytest.mark.parametrize("how", ["stream", pytest.param("astream", marks=NEEDS_CONTEXT)])
def test_an_agents_messages_stream(how: str, model_of: ModelOf, service: str) -> None:
    came = streamed(how, create_agent(model_of(), TOOLS), WEATHER, "messages")
    spoken = [chunk for chunk, told in came if told["langgraph_node"] == "model"]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in spoken)
    pieces = [piece for chunk in spoken for piece in chunk.tool_call_chunks]
    assert "".join(piece["name"] or "" for piece in pieces) == "get_weather"
    texts = [chunk.text for chunk in spoken if chunk.text]
    assert "14" in "".join(texts)
    assert len(texts) == 1 or service != "deployment"
    assert len(texts) > 2 or service == "deployment"
    assert {told["ls_provider"] for _, told in came if "ls_provider" in told} == {
        "emissary" if "deployment" in service else service
    }


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_an_agents_steps_stream(how: str, model_of: ModelOf) -> None:
    came = streamed(how, create_agent(model_of(), TOOLS), WEATHER, "updates")
    assert [next(iter(step)) for step in came] == ["model", "tools", "model"]


class Report(BaseModel):
    """A weather report."""

    city: str
    weather: str


FORMATS = {
    "class": Report,
    "tool": ToolStrategy(Report),
    "provider": ProviderStrategy(Report),
    "strict provider": ProviderStrategy(Report, strict=True),
}


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("tools", [[], TOOLS], ids=["no tools", "tools"])
def test_an_agent_answers_in_shape(
    how: str, kind: str, tools: Any, model_of: ModelOf, service: str
) -> None:
    agent = create_agent(model_of(), tools, response_format=FORMATS[kind])
    report = run(how, agent, WEATHER)["structured_response"]
    assert isinstance(report, Report)
    # Asked once more for the call, Atoma's emulated model looks at the demand, not the question.
    assert report.city == "Brno" or (service == "atoma" and tools)


@pytest.mark.parametrize("kind", ["tool", "provider"])
def test_an_agent_streams_and_answers_in_shape(kind: str, model_of: ModelOf) -> None:
    agent = create_agent(model_of(), TOOLS, response_format=FORMATS[kind])
    *_, last = agent.stream(WEATHER, {"recursion_limit": 12}, stream_mode="values")
    assert isinstance(last["structured_response"], Report)


def test_an_agent_remembers_tool_turns(model_of: ModelOf) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    agent = create_agent(model_of(), TOOLS, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    agent.invoke(WEATHER, config)
    turns = agent.invoke({"messages": [HumanMessage("What is 6 times 7?")]}, config)["messages"]
    assert "42" in turns[-1].content
    assert len([turn for turn in turns if isinstance(turn, ToolMessage)]) == 2


def test_retrying_middleware_tries_again_where_it_may_help(
    model_of: ModelOf, emulator: emissary_emulator.Server
) -> None:
    retry = ModelRetryMiddleware(max_retries=2, initial_delay=0, jitter=False, on_failure="error")
    agent = create_agent(model_of(max_retries=0), TOOLS, middleware=[retry])
    emulator.fail_next(status=503, times=2)
    assert "14" in agent.invoke(WEATHER)["messages"][-1].content
    emulator.clear()
    emulator.fail_next(status=401, times=2)
    with pytest.raises(Exception, match="401"):
        agent.invoke(WEATHER)
    assert len(emulator.requests) == 1


def test_an_overflowing_context_can_be_caught_by_its_class(
    model_of: ModelOf, emulator: emissary_emulator.Server
) -> None:
    emulator.fail_next(status=400, code="context_length_exceeded", message="prompt is too long")
    with pytest.raises(ContextOverflowError):
        create_agent(model_of(), TOOLS).invoke(WEATHER)


def long_talk() -> list[Any]:
    told = "The Vltava flows through Prague. " * 40
    return [
        HumanMessage(f"{told} Remember it."),
        AIMessage("Yes."),
        HumanMessage("The Svratka flows through Brno."),
        AIMessage("Yes."),
        HumanMessage("What is the weather in Brno?"),
    ]


@pytest.mark.parametrize("overflows", [False, True])
def test_summarising_middleware_shortens_a_long_talk(
    overflows: bool, model_of: ModelOf, emulator: emissary_emulator.Server
) -> None:
    model = model_of()
    summarise = SummarizationMiddleware(model, trigger=("messages", 4), keep=("messages", 2))
    if overflows:
        emulator.fail_next(status=400, code="context_length_exceeded", message="prompt is too long")
    agent = create_agent(model, TOOLS, middleware=[summarise])
    turns = agent.invoke({"messages": long_talk()})["messages"]
    assert turns[0].content.startswith("Here is a summary")
    assert "14" in turns[-1].content
    assert len(emulator.requests) == 4 + overflows  # it sums up before each of the two turns


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_graph_streams_the_messages_of_a_node_that_invokes(
    how: str, model_of: ModelOf, service: str
) -> None:
    model = model_of()

    def speak(state: MessagesState, config: RunnableConfig) -> Any:
        return {"messages": [model.invoke(state["messages"], config)]}

    async def aspeak(state: MessagesState, config: RunnableConfig) -> Any:
        return {"messages": [await model.ainvoke(state["messages"], config)]}

    graph = StateGraph(MessagesState)
    graph.add_node("speak", speak if how == "stream" else aspeak)
    graph.add_edge(START, "speak")
    question = {"messages": [HumanMessage("Which river flows through Prague?")]}
    came = streamed(how, graph.compile(), question, "messages")
    assert "Vltava" in "".join(chunk.text for chunk, _ in came)
    if service != "deployment":
        assert len([chunk for chunk, _ in came if chunk.text]) > 2
    assert len({chunk.id for chunk, _ in came}) == 1
