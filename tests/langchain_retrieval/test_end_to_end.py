"""Retrieval with LangChain, against the emulator: embed, retrieve, rerank, answer."""

import asyncio

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.vectorstores import InMemoryVectorStore

import emissary_emulator
from langchain_emissary import (
    AtomaEmbeddings,
    AtomaLLM,
    ChatAtoma,
    ChatEmissary,
    ChatOrq,
    EmissaryEmbeddings,
    EmissaryLLM,
    OrqEmbeddings,
    OrqLLM,
    OrqRerank,
)

TEXTS = {
    "rivers.md": "The Vltava flows through Prague and joins the Elbe at Melnik.",
    "brno.md": "Brno is the second largest city. The Svratka flows through Brno.",
    "trains.md": "The fastest train to Vienna takes four hours and leaves at noon.",
}
QUESTION = "Which river flows through Prague?"
MODELS = {
    "orq": (OrqEmbeddings, "openai/text-embedding-3-small", ChatOrq, "openai/gpt-4o", OrqLLM),
    "atoma": (
        AtomaEmbeddings,
        "intfloat/multilingual-e5-large-instruct",
        ChatAtoma,
        "meta-llama/Llama-3.3-70B-Instruct",
        AtomaLLM,
    ),
    "emissary": (EmissaryEmbeddings, "search-1", ChatEmissary, "support-bot", EmissaryLLM),
}


@pytest.fixture(scope="module")
def server():
    with emissary_emulator.serve() as server:
        yield server


def at(server, service):
    return {"api_key": "test-key", "base_url": f"{server.base_url}/{service}"}


def store(embeddings):
    documents = [Document(text, metadata={"source": name}) for name, text in TEXTS.items()]
    return InMemoryVectorStore.from_documents(documents, embeddings)


@pytest.mark.parametrize("service", MODELS)
def test_embed_retrieve_answer(do, server, service):
    embed, embed_model, chat, chat_model, _ = MODELS[service]
    where = at(server, service)
    retriever = store(embed(model=embed_model, **where)).as_retriever(search_kwargs={"k": 2})
    found = do(retriever, "invoke", QUESTION)
    assert found[0].metadata["source"] == "rivers.md"
    prompt = ChatPromptTemplate.from_messages([("system", "{text}"), ("user", "{question}")])
    chain = prompt | chat(model=chat_model, **where) | StrOutputParser()
    text = "\n".join(document.page_content for document in found)
    assert "Vltava" in do(chain, "invoke", {"text": text, "question": QUESTION})


def test_a_deployment_retrieves_too(do, server):
    model = EmissaryEmbeddings(project_id="ms-1", deployment_id="dp-1", **at(server, "emissary"))
    found = do(store(model).as_retriever(search_kwargs={"k": 1}), "invoke", QUESTION)
    assert found[0].metadata["source"] == "rivers.md"


def test_rerank(do, server):
    documents = [Document(text, metadata={"source": name}) for name, text in TEXTS.items()]
    rerank = OrqRerank(model="cohere/rerank-v3.5", top_n=2, **at(server, "orq"))
    ranked = do(rerank, "compress_documents", documents[::-1], QUESTION)
    assert [document.metadata["source"] for document in ranked] == ["rivers.md", "brno.md"]
    scores = [document.metadata["relevance_score"] for document in ranked]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("service", MODELS)
def test_complete(do, server, service):
    *_, model, completer = MODELS[service]
    llm = completer(model=model, max_tokens=64, **at(server, service))
    prompt = f"{TEXTS['rivers.md']} {QUESTION}"
    assert "Vltava" in do(llm, "invoke", prompt)
    assert "".join(llm.stream(prompt)) == llm.invoke(prompt)

    async def streamed():
        return [piece async for piece in llm.astream(prompt)]

    assert "".join(asyncio.run(streamed())) == llm.invoke(prompt)


def test_a_long_list_with_faults_on_the_way(do, server):
    server.fail_next(status=503, times=2, service="atoma", path="embeddings")
    model = AtomaEmbeddings(model="m", max_retries=2, **at(server, "atoma"))
    texts = [f"text {number}" for number in range(50)]
    vectors = do(model, "embed_documents", texts)
    assert vectors == [model.embed_query(text) for text in texts]


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_both_encodings_say_the_same(do, server, encoding):
    model = OrqEmbeddings(model="openai/m", dimensions=16, **at(server, "orq"))
    assert do(model, "embed_query", "a river", encoding_format=encoding) == pytest.approx(
        model.embed_query("a river"), abs=1e-7
    )
