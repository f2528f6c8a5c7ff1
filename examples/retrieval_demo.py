"""Retrieval on one service: documents embedded, retrieved, reranked where it can, and answered."""

from __future__ import annotations

import os
from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import Document as IndexDocument
from llama_index.core import VectorStoreIndex
from stage import DOCUMENTS, Service, step, stream

import langchain_emissary as lc
import llamaindex_emissary as li

QUESTION = "Which river flows through Prague?"
EMBEDDING_MODELS = {
    "emissary": os.environ.get("EMISSARY_EMBEDDING_MODEL", "search-checkpoint-1"),
    "orq": os.environ.get("ORQ_EMBEDDING_MODEL", "openai/text-embedding-3-small"),
    "atoma": os.environ.get("ATOMA_EMBEDDING_MODEL", "intfloat/multilingual-e5-large-instruct"),
}
RERANK_MODEL = os.environ.get("ORQ_RERANK_MODEL", "cohere/rerank-multilingual-v3.0")

LANGCHAIN = {
    "emissary": (lc.EmissaryEmbeddings, lc.ChatEmissary),
    "orq": (lc.OrqEmbeddings, lc.ChatOrq),
    "atoma": (lc.AtomaEmbeddings, lc.ChatAtoma),
}
LLAMAINDEX = {
    "emissary": (li.EmissaryEmbedding, li.Emissary),
    "orq": (li.OrqEmbedding, li.Orq),
    "atoma": (li.AtomaEmbedding, li.Atoma),
}


def show(service: Service) -> None:
    """Show how documents are found and answered from, in both frameworks."""
    step(service, "LangChain: embed, retrieve" + _rerank(service) + ", answer with sources")
    show_langchain(service)
    step(service, "LlamaIndex: embed, retrieve" + _rerank(service) + ", answer with sources")
    show_llamaindex(service)


def _rerank(service: Service) -> str:
    return ", rerank" if service.name == "orq" else ""


def show_langchain(service: Service) -> None:
    """Fill a vector store, search it, and let a chain answer."""
    embeddings, chat = LANGCHAIN[service.name]
    store = InMemoryVectorStore(embeddings(model=EMBEDDING_MODELS[service.name]))
    store.add_documents(
        [Document(text, metadata={"source": name}) for name, text in DOCUMENTS.items()]
    )
    found: Sequence[Document] = store.similarity_search(QUESTION, k=2)
    if service.name == "orq":
        rerank = lc.OrqRerank(model=RERANK_MODEL, top_n=1)
        found = rerank.compress_documents(found, QUESTION)
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer from this text only:\n{text}"), ("user", "{question}")]
    )
    chain = prompt | chat(model=service.model, temperature=0, max_tokens=256) | StrOutputParser()
    text = "\n".join(document.page_content for document in found)
    stream(chain.stream({"text": text, "question": QUESTION}))
    for document in found:
        score = document.metadata.get("relevance_score")
        told = f" ({score:.2f})" if score is not None else ""
        print(f"  source: {document.metadata['source']}{told}")


def show_llamaindex(service: Service) -> None:
    """Build an index, and let its query engine answer."""
    embedding, llm = LLAMAINDEX[service.name]
    index = VectorStoreIndex.from_documents(
        [IndexDocument(text=text, metadata={"source": name}) for name, text in DOCUMENTS.items()],
        embed_model=embedding(model=EMBEDDING_MODELS[service.name]),
    )
    is_orq = service.name == "orq"
    engine = index.as_query_engine(
        llm=llm(model=service.model, temperature=0, max_tokens=256),
        similarity_top_k=2,
        node_postprocessors=[li.OrqRerank(model=RERANK_MODEL, top_n=1)] if is_orq else [],
        streaming=True,
    )
    answer = engine.query(QUESTION)
    stream(answer.response_gen)
    for source in answer.source_nodes:
        print(f"  source: {source.node.metadata['source']} ({source.score:.2f})")
