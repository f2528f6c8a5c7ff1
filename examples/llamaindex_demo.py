"""LlamaIndex on one service: a query engine with sources, an answer in shape, an agent."""

from __future__ import annotations

import asyncio

from llama_index.core import Document, SummaryIndex
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCallResult
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, Field
from stage import DOCUMENTS, Service, Shown, step, stream, weather

from llamaindex_emissary import Atoma, Emissary, Orq

LLMS = {"emissary": Emissary, "orq": Orq, "atoma": Atoma}


class River(BaseModel):
    """A river and the city that it flows through."""

    river: str = Field(description="Name of the river")
    city: str = Field(description="Name of the city")


def show(service: Service) -> None:
    """Show what an LLM of this service does."""
    llm = LLMS[service.name](model=service.model, temperature=0, max_tokens=512)

    step(service, "a query engine that streams its answer, with sources")
    documents = [Document(text=text, metadata={"file": name}) for name, text in DOCUMENTS.items()]
    engine = SummaryIndex.from_documents(documents).as_query_engine(llm=llm, streaming=True)
    answer = engine.query("Which river flows through Prague?")
    stream(answer.response_gen)
    print("  sources:", ", ".join(node.metadata["file"] for node in answer.source_nodes))

    step(service, "an answer in shape")
    prompt = PromptTemplate("The Svratka flows through {city}. Name the river and the city.")
    print(f"  {llm.structured_predict(River, prompt, city='Brno')!r}")

    step(service, "an agent that calls tools")
    asyncio.run(_ask(FunctionAgent(tools=[weather], llm=llm)))


async def _ask(agent: FunctionAgent) -> None:
    shown = Shown()
    handler = agent.run("What is the weather in Prague and in Brno?")
    async for event in handler.stream_events():
        if isinstance(event, ToolCallResult):
            shown.add(f"\ncalls {event.tool_name} {event.tool_kwargs}\n-> {event.tool_output}\n")
        elif isinstance(event, AgentStream):
            shown.add(event.delta)
    await handler
    shown.close()
