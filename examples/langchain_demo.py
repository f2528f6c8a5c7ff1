"""LangChain on one service: a chain that streams, an answer in shape, an agent with a tool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, Field
from stage import DOCUMENTS, Service, step, stream, weather

from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq

CHAT_MODELS = {"emissary": ChatEmissary, "orq": ChatOrq, "atoma": ChatAtoma}


class River(BaseModel):
    """A river and the city that it flows through."""

    river: str = Field(description="Name of the river")
    city: str = Field(description="Name of the city")


def show(service: Service) -> None:
    """Show what a chat model of this service does."""
    model = CHAT_MODELS[service.name](model=service.model, temperature=0, max_tokens=512)

    step(service, "a chain that streams")
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer from this text only:\n{text}"), ("user", "{question}")]
    )
    chain = prompt | model | StrOutputParser()
    text = "\n".join(DOCUMENTS.values())
    stream(chain.stream({"text": text, "question": "Which river flows through Prague?"}))

    step(service, "an answer in shape")
    structured = model.with_structured_output(River)
    print(
        f"  {structured.invoke('The Svratka flows through Brno. Name the river and the city.')!r}"
    )

    step(service, "an agent that calls tools")
    agent = create_agent(model, tools=[weather])
    question = {"role": "user", "content": "What is the weather in Prague and in Brno?"}
    stream(_told(agent.stream({"messages": [question]}, stream_mode="messages")))


def _told(messages: Iterable[tuple[BaseMessage, object]]) -> Iterator[str]:
    """What an agent's messages say, piece by piece as they come."""
    answering = False
    for message, _ in messages:
        if isinstance(message, ToolMessage):
            yield f"\n-> {message.text}"
        elif isinstance(message, AIMessageChunk):
            for piece in message.tool_call_chunks:
                yield f"\ncalls {piece['name']} " if piece["name"] else ""
                yield piece["args"] or ""
            if message.text and not answering:
                yield "\n"
            answering = answering or bool(message.text)
            yield message.text
