"""Retrieval with LlamaIndex, against the emulator: embed, retrieve, rerank, answer with sources."""

import asyncio

import pytest
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.llms import MockLLM

import emissary_emulator
from llamaindex_emissary import (
    Atoma,
    AtomaEmbedding,
    Emissary,
    EmissaryEmbedding,
    Orq,
    OrqEmbedding,
    OrqRerank,
)

TEXTS = {
    "rivers.md": "The Vltava flows through Prague and joins the Elbe at Melnik.",
    "brno.md": "Brno is the second largest city. The Svratka flows through Brno.",
    "trains.md": "The fastest train to Vienna takes four hours and leaves at noon.",
}
QUESTION = "Which river flows through Prague?"
MODELS = {
    "orq": (OrqEmbedding, "openai/text-embedding-3-small", Orq, "openai/gpt-4o"),
    "atoma": (
        AtomaEmbedding,
        "intfloat/multilingual-e5-large-instruct",
        Atoma,
        "meta-llama/Llama-3.3-70B-Instruct",
    ),
    "emissary": (EmissaryEmbedding, "search-1", Emissary, "support-bot"),
}


@pytest.fixture(autouse=True)
def _own_settings():
    """Leave LlamaIndex's global settings as they were, and without a download of a tokenizer."""
    Settings.tokenizer = str.split
    Settings._llm = MockLLM()
    yield
    Settings._llm = Settings._callback_manager = Settings._embed_model = None


@pytest.fixture(scope="module")
def server():
    with emissary_emulator.serve() as server:
        yield server


def at(server, service):
    return {"api_key": "test-key", "api_base": f"{server.base_url}/{service}"}


def index(embed_model, **how):
    documents = [Document(text=text, metadata={"file": name}) for name, text in TEXTS.items()]
    return VectorStoreIndex.from_documents(documents, embed_model=embed_model, **how)


@pytest.mark.parametrize("service", MODELS)
@pytest.mark.parametrize("use_async", [False, True])
def test_embed_retrieve_answer(do, server, service, use_async):
    embed, embed_model, llm, model = MODELS[service]
    where = at(server, service)
    engine = index(embed(model=embed_model, **where), use_async=use_async).as_query_engine(
        llm=llm(model=model, **where), similarity_top_k=2
    )
    answer = do(engine, "query", QUESTION)
    assert "Vltava" in str(answer)
    assert answer.source_nodes[0].node.metadata["file"] == "rivers.md"


def test_rerank_in_a_query_engine(do, server):
    where = at(server, "orq")
    rerank = OrqRerank(model="cohere/rerank-v3.5", top_n=1, **where)
    engine = index(OrqEmbedding(model="openai/m", **where)).as_query_engine(
        llm=Orq(model="openai/gpt-4o", **where), similarity_top_k=3, node_postprocessors=[rerank]
    )
    answer = do(engine, "query", QUESTION)
    assert [each.node.metadata["file"] for each in answer.source_nodes] == ["rivers.md"]
    assert "Vltava" in str(answer)


def test_a_deployment_retrieves_too(do, server):
    model = EmissaryEmbedding(project_id="ms-1", deployment_id="dp-1", **at(server, "emissary"))
    (best,) = do(index(model).as_retriever(similarity_top_k=1), "retrieve", QUESTION)
    assert best.node.metadata["file"] == "rivers.md"


@pytest.mark.parametrize("service", MODELS)
def test_base_models_complete(do, server, service):
    *_, llm, model = MODELS[service]
    base = llm(model=model, is_chat_model=False, max_tokens=64, **at(server, service))
    prompt = f"{TEXTS['rivers.md']} {QUESTION}"
    whole = do(base, "complete", prompt).text
    assert "Vltava" in whole
    assert "".join(chunk.delta for chunk in base.stream_complete(prompt)) == whole

    async def pieces():
        return [chunk.delta async for chunk in await base.astream_complete(prompt)]

    assert "".join(asyncio.run(pieces())) == whole


@pytest.mark.parametrize("service", MODELS)
def test_a_base_model_answers_from_an_index(do, server, service):
    embed, embed_model, llm, model = MODELS[service]
    where = at(server, service)
    base = llm(model=model, is_chat_model=False, max_tokens=64, **where)
    engine = index(embed(model=embed_model, **where)).as_query_engine(llm=base)
    assert "Vltava" in str(do(engine, "query", QUESTION))
