"""What LlamaIndex does with an LLM, all of it, for all three services, against the emulator."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import (
    Document,
    MockEmbedding,
    PromptTemplate,
    Settings,
    SummaryIndex,
    VectorStoreIndex,
)
from llama_index.core.agent.workflow import (
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    CondenseQuestionChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.evaluation import FaithfulnessEvaluator, RelevancyEvaluator
from llama_index.core.extractors import (
    DocumentContextExtractor,
    KeywordExtractor,
    PydanticProgramExtractor,
    QuestionsAnsweredExtractor,
    SummaryExtractor,
    TitleExtractor,
)
from llama_index.core.indices.property_graph import SimpleLLMPathExtractor
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.memory import (
    ChatMemoryBuffer,
    ChatSummaryMemoryBuffer,
    FactExtractionMemoryBlock,
    Memory,
)
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import LLMRerank
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.selectors import LLMSingleSelector, PydanticSingleSelector
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.tools import FunctionTool, QueryEngineTool
from llama_index.core.types import PydanticProgramMode
from llama_index.core.workflow import Context, JsonSerializer
from pydantic import BaseModel

import emissary_emulator
from llamaindex.peer import KEY
from llamaindex_emissary import Atoma, Emissary, Orq

# Of LlamaIndex's own making: memories leave their databases, and `asyncio_run` its event loop, to
# the garbage collector, when the database's thread may find its event loop closed; workflows use
# deprecated attributes of Pydantic's.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
]

QUESTION = "Which river flows through Prague?"
ANSWER = "The Vltava flows through Prague."
DOCUMENTS = [
    Document(text=ANSWER, id_="prague"),
    Document(text="The Danube flows through Vienna.", id_="vienna"),
]
MODES = ("compact", "refine", "tree_summarize", "simple_summarize", "generation")


class River(BaseModel):
    """A river and a town on it."""

    name: str
    town: str


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """Leave nothing to be collected while other tests run."""
    yield
    gc.collect()


SERVICES = ("orq", "atoma", "emissary", "deployment")


def made(service: str, base_url: str) -> Any:
    if service == "orq":
        return Orq(model="openai/gpt-4o", api_key=KEY, api_base=f"{base_url}/orq")
    if service == "atoma":
        name = "meta-llama/Llama-3.3-70B-Instruct"
        return Atoma(model=name, api_key=KEY, api_base=f"{base_url}/atoma", max_tokens=512)
    ids = (
        {"model": "support-bot"}
        if service == "emissary"
        else {"project_id": "ms-1", "deployment_id": "dp-1"}
    )
    return Emissary(api_key=KEY, api_base=f"{base_url}/emissary", **ids)


@pytest.fixture(params=SERVICES)
def llm(request: pytest.FixtureRequest, server: Any) -> Any:
    server.clear()
    Settings.embed_model = MockEmbedding(8)
    return made(request.param, server.base_url)


def index() -> SummaryIndex:
    return SummaryIndex.from_documents(DOCUMENTS)


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"Sunny in {city}"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


# --- query engines ---


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_query_engines(llm: Any, mode: str, streaming: bool, how: str) -> None:
    engine = index().as_query_engine(llm=llm, response_mode=mode, streaming=streaming)

    async def aquery() -> tuple[str, Any]:
        response = await engine.aquery(QUESTION)
        if not streaming:
            return str(response), response
        stream = response.response_gen
        return "".join([piece async for piece in stream]), response

    if how == "async":
        text, response = asyncio.run(aquery())
    else:
        response = engine.query(QUESTION)
        text = "".join(response.response_gen) if streaming else str(response)
    assert len(response.source_nodes) == 2
    assert "Vltava" in text


@pytest.mark.parametrize("mode", ["accumulate", "compact_accumulate"])
def test_accumulating_query_engines(llm: Any, mode: str, how: str) -> None:
    engine = index().as_query_engine(llm=llm, response_mode=mode)
    if how == "sync":
        assert "Vltava" in str(engine.query(QUESTION))
    else:
        assert "Vltava" in str(asyncio.run(engine.aquery(QUESTION)))


@pytest.mark.parametrize("mode", ["compact", "refine", "tree_summarize"])
def test_query_engines_with_an_output_class(llm: Any, mode: str) -> None:
    engine = index().as_query_engine(llm=llm, response_mode=mode, output_cls=River)
    response = engine.query(QUESTION).response
    assert isinstance(response, River)


def test_structured_llm_in_a_query_engine(llm: Any) -> None:
    engine = index().as_query_engine(llm=llm.as_structured_llm(River), response_mode="compact")
    assert River.model_validate_json(str(engine.query(QUESTION)))


def test_vector_index_and_settings(llm: Any) -> None:
    Settings.llm = llm
    engine = VectorStoreIndex.from_documents(DOCUMENTS).as_query_engine()
    assert "Vltava" in str(engine.query(QUESTION))


def test_a_structured_answer_filter(llm: Any) -> None:
    engine = index().as_query_engine(
        llm=llm, response_mode="refine", structured_answer_filtering=True
    )
    assert str(engine.query(QUESTION))


# --- chat engines ---


def chat_engine(kind: str, llm: Any) -> Any:
    if kind == "simple":
        return SimpleChatEngine.from_defaults(llm=llm, system_prompt="Be brief.")
    if kind == "context":
        return ContextChatEngine.from_defaults(retriever=index().as_retriever(), llm=llm)
    if kind == "condense_question":
        return CondenseQuestionChatEngine.from_defaults(
            query_engine=index().as_query_engine(llm=llm, streaming=True), llm=llm
        )
    return CondensePlusContextChatEngine.from_defaults(retriever=index().as_retriever(), llm=llm)


@pytest.mark.parametrize(
    "kind", ["simple", "context", "condense_question", "condense_plus_context"]
)
def test_chat_engines(llm: Any, kind: str, how: str) -> None:
    engine = chat_engine(kind, llm)

    async def conversation() -> tuple[str, str, str]:
        first = await engine.achat(QUESTION)
        second = await engine.astream_chat(QUESTION)
        streamed = "".join([piece async for piece in second.async_response_gen()])
        return str(first), streamed, str(second)

    if how == "async":
        first, streamed, whole = asyncio.run(conversation())
    else:
        first = str(engine.chat(QUESTION))
        second = engine.stream_chat(QUESTION)
        streamed = "".join(second.response_gen)
        whole = str(second)
    assert "Vltava" in first
    assert "Vltava" in streamed
    assert streamed == whole
    history = engine.chat_history
    assert [message.role.value for message in history] == ["user", "assistant"] * 2
    assert history[-1].content == streamed


@pytest.mark.parametrize("mode", ["best", "context", "condense_question", "simple"])
def test_chat_engines_by_mode(llm: Any, mode: str) -> None:
    engine = index().as_chat_engine(chat_mode=mode, llm=llm)
    assert "Vltava" in str(engine.chat(QUESTION))


# --- agents ---


async def told(handler: Any) -> tuple[Any, list[Any]]:
    events = [event async for event in handler.stream_events()]
    return await handler, events


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("kind", [FunctionAgent, ReActAgent])
async def test_agents(llm: Any, kind: Any, streaming: bool) -> None:
    agent = kind(tools=[get_weather, add], llm=llm, streaming=streaming, system_prompt="Be kind.")
    output, events = await told(agent.run("What is the weather in Brno?"))
    assert "Sunny in Brno" in str(output)
    results = [event for event in events if isinstance(event, ToolCallResult)]
    assert [(each.tool_name, each.tool_kwargs) for each in results] == [
        ("get_weather", {"city": "Brno"})
    ]
    assert isinstance(output.raw, dict)
    if streaming:
        deltas = [event for event in events if isinstance(event, AgentStream)]
        assert "Sunny in Brno" in "".join(event.delta for event in deltas)


async def test_two_tools_at_once_or_after_another(llm: Any) -> None:
    agent = FunctionAgent(tools=[get_weather], llm=llm)
    output, events = await told(agent.run("What is the weather in Brno and in Prague?"))
    cities = {e.tool_kwargs["city"] for e in events if isinstance(e, ToolCallResult)}
    assert cities == {"Brno", "Prague"}
    assert "Prague" in str(output)


async def test_an_agents_first_tool_may_be_fixed(llm: Any, server: Any) -> None:
    agent = FunctionAgent(tools=[get_weather, add], llm=llm, initial_tool_choice="get_weather")
    _, events = await told(agent.run("Brno"))
    results = [event for event in events if isinstance(event, ToolCallResult)]
    assert results[0].tool_name == "get_weather"


async def test_an_agent_that_must_stop_answers_without_tools(llm: Any) -> None:
    agent = FunctionAgent(tools=[get_weather], llm=llm, early_stopping_method="generate")
    output, _ = await told(agent.run("What is the weather in Brno?", max_iterations=1))
    assert str(output)


async def test_an_agents_answer_as_an_object(llm: Any) -> None:
    agent = FunctionAgent(tools=[get_weather], llm=llm, output_cls=River)
    output, _ = await told(agent.run("What is the weather in Brno?"))
    assert isinstance(output.get_pydantic_model(River), River)


@pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key")
async def test_an_agents_context_is_kept_as_json_and_goes_on(llm: Any) -> None:
    agent = FunctionAgent(tools=[get_weather], llm=llm)
    context = Context(agent)
    await told(agent.run("What is the weather in Brno?", ctx=context))
    kept = json.loads(json.dumps(context.to_dict(serializer=JsonSerializer())))
    again = Context.from_dict(agent, kept, serializer=JsonSerializer())
    output, _ = await told(agent.run("What is the weather in Prague?", ctx=again))
    assert "Sunny in Prague" in str(output)


async def test_workflows_of_one_and_of_two_agents(llm: Any) -> None:
    one = AgentWorkflow.from_tools_or_functions([get_weather], llm=llm)
    output, _ = await told(one.run("What is the weather in Brno?"))
    assert "Sunny in Brno" in str(output)
    meteorologist = FunctionAgent(
        name="meteorologist", description="Knows the weather.", tools=[get_weather], llm=llm
    )
    clerk = FunctionAgent(
        name="clerk",
        description="Adds numbers.",
        tools=[add],
        llm=llm,
        can_handoff_to=["meteorologist"],
    )
    two = AgentWorkflow(agents=[meteorologist, clerk], root_agent="meteorologist")
    output, _ = await told(two.run("What is the weather in Brno?"))
    assert "Sunny in Brno" in str(output)


async def test_tools_that_fail_or_need_nothing(llm: Any) -> None:
    def get_time() -> str:
        """Get the time."""
        raise RuntimeError("no clock")

    agent = FunctionAgent(tools=[get_time], llm=llm, initial_tool_choice="get_time")
    output, events = await told(agent.run("What time is it?"))
    results = [event for event in events if isinstance(event, ToolCallResult)]
    assert results[0].tool_output.is_error
    assert str(output)


def test_predict_and_call(llm: Any) -> None:
    tools = [FunctionTool.from_defaults(get_weather), FunctionTool.from_defaults(add)]
    assert "Sunny in Brno" in str(llm.predict_and_call(tools, "What is the weather in Brno?"))


# --- prompts and programs ---


def test_predict_and_stream(llm: Any, how: str) -> None:
    prompt = PromptTemplate("Which river flows through {town}?")

    async def run() -> tuple[str, str]:
        stream = await llm.astream(prompt, town="Prague")
        return await llm.apredict(prompt, town="Prague"), "".join([p async for p in stream])

    if how == "async":
        assert asyncio.run(run()) == (ANSWER, ANSWER)
    else:
        assert llm.predict(prompt, town="Prague") == ANSWER
        assert "".join(llm.stream(prompt, town="Prague")) == ANSWER


@pytest.mark.parametrize(
    "mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION, PydanticProgramMode.LLM]
)
def test_structured_predictions(llm: Any, mode: Any, how: str) -> None:
    llm.pydantic_program_mode = mode
    prompt = PromptTemplate("Tell of a river: {text}")

    async def run() -> tuple[Any, list[Any]]:
        stream = await llm.astream_structured_predict(River, prompt, text=ANSWER)
        objects = [each async for each in stream]
        return await llm.astructured_predict(River, prompt, text=ANSWER), objects

    if how == "async":
        river, rivers = asyncio.run(run())
    else:
        river = llm.structured_predict(River, prompt, text=ANSWER)
        rivers = list(llm.stream_structured_predict(River, prompt, text=ANSWER))
    assert isinstance(river, River)
    assert isinstance(rivers[-1], River)


@pytest.mark.parametrize("kind", [FunctionCallingProgram, LLMTextCompletionProgram])
def test_core_programs(llm: Any, kind: Any) -> None:
    program = kind.from_defaults(
        output_cls=River, prompt_template_str="Tell of a river: {text}", llm=llm
    )
    assert isinstance(program(text=ANSWER), River)
    assert isinstance(asyncio.run(program.acall(text=ANSWER)), River)
    assert list(program.stream_call(text=ANSWER))


# --- extractors, ingestion, memory, and what else asks an LLM ---


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (TitleExtractor, "document_title"),
        (SummaryExtractor, "section_summary"),
        (KeywordExtractor, "excerpt_keywords"),
        (QuestionsAnsweredExtractor, "questions_this_excerpt_can_answer"),
    ],
)
def test_extractors(llm: Any, kind: Any, key: str) -> None:
    extractor = kind(llm=llm, show_progress=False)
    nodes = [TextNode(text=ANSWER), TextNode(text="The Danube flows through Vienna.")]
    for _ in range(2):  # each time in an event loop of its own
        extracted = extractor.extract(nodes)
        assert all(each[key] for each in extracted)


def test_pydantic_extractor(llm: Any) -> None:
    program = FunctionCallingProgram.from_defaults(
        output_cls=River, prompt_template_str="Tell of a river: {input}", llm=llm
    )
    extractor = PydanticProgramExtractor(program=program, input_key="input", show_progress=False)
    [extracted] = extractor.extract([TextNode(text=ANSWER)])
    assert extracted.keys() == {"name", "town"}


async def test_document_context_extractor(llm: Any, server: Any) -> None:
    store = SimpleDocumentStore()
    store.add_documents(DOCUMENTS)
    nodes = SentenceSplitter().get_nodes_from_documents(DOCUMENTS)
    extractor = DocumentContextExtractor(
        docstore=store, llm=llm, max_context_length=1000, show_progress=False
    )
    extracted = await extractor.aextract(nodes)
    assert all(each["context"] for each in extracted)
    assert server.requests.last.headers["anthropic-beta"]
    assert "extra_headers" not in server.requests.last.body


def test_ingestion_with_worker_processes(server: Any) -> None:
    models = [made(service, server.base_url) for service in SERVICES]
    for model in models:
        model.complete("hi")  # so that there is a live client
    kinds = (TitleExtractor, SummaryExtractor, KeywordExtractor, QuestionsAnsweredExtractor)
    extractors = [
        kind(llm=model, show_progress=False) for kind, model in zip(kinds, models, strict=True)
    ]
    pipeline = IngestionPipeline(
        transformations=[SentenceSplitter(), *extractors, MockEmbedding(8)], disable_cache=True
    )
    server.clear()
    nodes = pipeline.run(documents=DOCUMENTS, num_workers=2)
    assert {"document_title", "section_summary", "excerpt_keywords"} <= nodes[0].metadata.keys()
    assert {record.service for record in server.requests} == {"orq", "atoma", "emissary"}
    assert len(nodes) == 2


def test_ingestion_caches_by_what_the_model_is(llm: Any) -> None:
    pipeline = IngestionPipeline(transformations=[SummaryExtractor(llm=llm, show_progress=False)])
    nodes = [TextNode(text=ANSWER)]
    pipeline.run(nodes=nodes)
    pipeline.run(nodes=nodes)


async def test_memories(llm: Any) -> None:
    messages = [
        ChatMessage(role="user", content="My name is Ada and I live in Brno. " * 20),
        ChatMessage(role="assistant", content="Nice to meet you. " * 20),
        ChatMessage(role="user", content="What is my name?"),
    ]
    summary = ChatSummaryMemoryBuffer.from_defaults(
        chat_history=messages, llm=llm, token_limit=60, tokenizer_fn=str.split
    )
    assert summary.get()
    facts = FactExtractionMemoryBlock(name="facts", llm=llm)
    await facts.aput(messages[:2])
    memory = Memory.from_defaults(session_id="a", token_limit=200, tokenizer_fn=str.split)
    await memory.aput_messages(messages)
    assert await memory.aget()
    engine = SimpleChatEngine.from_defaults(
        llm=llm, memory=ChatMemoryBuffer.from_defaults(llm=llm, token_limit=500)
    )
    assert str(engine.chat(QUESTION))


async def test_an_agent_whose_memory_is_cut(llm: Any) -> None:
    agent = FunctionAgent(tools=[get_weather], llm=llm)
    memory = ChatMemoryBuffer.from_defaults(token_limit=40, tokenizer_fn=str.split)
    for city in ("Brno", "Prague", "Vienna"):
        output, _ = await told(agent.run(f"What is the weather in {city}?", memory=memory))
        assert f"Sunny in {city}" in str(output)


def test_evaluators(llm: Any) -> None:
    response = index().as_query_engine(llm=llm).query(QUESTION)
    assert FaithfulnessEvaluator(llm=llm).evaluate_response(response=response).feedback
    verdict = RelevancyEvaluator(llm=llm).evaluate_response(query=QUESTION, response=response)
    assert verdict.feedback


@pytest.mark.parametrize("kind", [LLMSingleSelector, PydanticSingleSelector])
def test_selectors_and_routers(llm: Any, kind: Any) -> None:
    tools = [
        QueryEngineTool.from_defaults(
            index().as_query_engine(llm=llm), name="rivers", description="Knows rivers of Prague."
        ),
        QueryEngineTool.from_defaults(
            index().as_query_engine(llm=llm), name="songs", description="Knows songs."
        ),
    ]
    selector = kind.from_defaults(llm=llm)
    router = RouterQueryEngine(
        selector=selector, query_engine_tools=tools, llm=llm, summarizer=None
    )
    assert "Vltava" in str(router.query(QUESTION))


def test_fusion_retriever(llm: Any) -> None:
    retriever = QueryFusionRetriever(
        [VectorStoreIndex.from_documents(DOCUMENTS).as_retriever()],
        llm=llm,
        num_queries=3,
        use_async=True,
    )
    assert retriever.retrieve(QUESTION)


def test_reranking(llm: Any) -> None:
    nodes = [NodeWithScore(node=TextNode(text=document.text)) for document in DOCUMENTS]
    ranked = LLMRerank(llm=llm, top_n=1).postprocess_nodes(nodes, query_str=QUESTION)
    assert len(ranked) <= 1


def test_graph_extraction(llm: Any) -> None:
    extractor = SimpleLLMPathExtractor(llm=llm, num_workers=2)
    [node] = extractor([TextNode(text=ANSWER)])
    assert node is not None
