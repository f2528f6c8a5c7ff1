"""Every way to ask: each class of both frameworks, sync and async, plain and streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.documents import Document
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.schema import NodeWithScore, TextNode

import langchain_emissary as lc
import llamaindex_emissary as li

KEY = "sk-test-1234567890"
ASKED = "Which river?"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Way:
    """One class and one of its methods.

    Attributes:
        kind: chat, text, embeddings or rerank: which bodies it reads.
        make: From connection fields to the model.
        asks: By how and mode, what asks the model and says each piece that comes.
        http: Over which HTTP; see `emissary_transport.faster`.
    """

    name: str
    service: str
    kind: str
    make: Callable[..., Any]
    asks: dict[tuple[str, str], Callable[[Any, Say], Any]]
    http: str = "httpx"

    def ask(self, how: str, mode: str, model: Any, say: Say) -> None:
        """Ask and close the model; async, in an event loop that has nothing left then."""
        ask = self.asks[how, mode]
        if how == "sync":
            try:
                ask(model, say)
            finally:
                model.close()
            return
        asyncio.run(_alone(ask, model, say))


async def _alone(ask: Callable[[Any, Say], Any], model: Any, say: Say) -> None:
    try:
        await ask(model, say)
    finally:
        await model.aclose()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:  # an async generator of httpx's that is being closed
            _, others = await asyncio.wait(others, timeout=2)
        assert not others, f"tasks left behind: {others}"


def langchain(cls: type, kind: str) -> Way:
    def streamed(model: Any, say: Say) -> None:
        for piece in model.stream(ASKED):
            say(_text(piece))

    async def astreamed(model: Any, say: Say) -> None:
        async for piece in model.astream(ASKED):
            say(_text(piece))

    def plain(model: Any, say: Say) -> None:
        say(_text(model.invoke(ASKED)))

    async def aplain(model: Any, say: Say) -> None:
        say(_text(await model.ainvoke(ASKED)))

    return _way(cls, kind, "base_url", plain, aplain, streamed, astreamed)


def langchain_embeddings(cls: type) -> Way:
    def plain(model: Any, say: Say) -> None:
        say(str(model.embed_query(ASKED)))

    async def aplain(model: Any, say: Say) -> None:
        say(str(await model.aembed_query(ASKED)))

    return _way(cls, "embeddings", "base_url", plain, aplain)


def langchain_rerank(cls: type) -> Way:
    def plain(model: Any, say: Say) -> None:
        [found] = model.compress_documents([Document("a river")], ASKED)
        say(str(found.metadata["relevance_score"]))

    async def aplain(model: Any, say: Say) -> None:
        [found] = await model.acompress_documents([Document("a river")], ASKED)
        say(str(found.metadata["relevance_score"]))

    return _way(cls, "rerank", "base_url", plain, aplain)


def llamaindex_chat(cls: type) -> Way:
    said = [ChatMessage(ASKED)]

    def plain(model: Any, say: Say) -> None:
        say(model.chat(said).message.content or "")

    async def aplain(model: Any, say: Say) -> None:
        say((await model.achat(said)).message.content or "")

    def streamed(model: Any, say: Say) -> None:
        for piece in model.stream_chat(said):
            say(piece.delta or "")

    async def astreamed(model: Any, say: Say) -> None:
        async for piece in await model.astream_chat(said):
            say(piece.delta or "")

    return _way(cls, "chat", "api_base", plain, aplain, streamed, astreamed, name=".chat")


def llamaindex_complete(cls: type, kind: str) -> Way:
    def plain(model: Any, say: Say) -> None:
        say(model.complete(ASKED).text)

    async def aplain(model: Any, say: Say) -> None:
        say((await model.acomplete(ASKED)).text)

    def streamed(model: Any, say: Say) -> None:
        for piece in model.stream_complete(ASKED):
            say(piece.delta or "")

    async def astreamed(model: Any, say: Say) -> None:
        async for piece in await model.astream_complete(ASKED):
            say(piece.delta or "")

    more = {"is_chat_model": kind == "chat"}
    name = ".complete" if kind == "chat" else ".complete, no chat model"
    return _way(cls, kind, "api_base", plain, aplain, streamed, astreamed, name=name, **more)


def llamaindex_embeddings(cls: type) -> Way:
    def plain(model: Any, say: Say) -> None:
        say(str(model.get_text_embedding(ASKED)))

    async def aplain(model: Any, say: Say) -> None:
        say(str(await model.aget_text_embedding(ASKED)))

    return _way(cls, "embeddings", "api_base", plain, aplain)


def llamaindex_rerank(cls: type) -> Way:
    nodes = [NodeWithScore(node=TextNode(text="a river"))]

    def plain(model: Any, say: Say) -> None:
        [found] = model.postprocess_nodes(nodes, query_str=ASKED)
        say(str(found.score))

    async def aplain(model: Any, say: Say) -> None:
        [found] = await model.apostprocess_nodes(nodes, query_str=ASKED)
        say(str(found.score))

    return _way(cls, "rerank", "api_base", plain, aplain)


def _text(piece: Any) -> str:
    return piece if isinstance(piece, str) else piece.text


def _way(
    cls: type,
    kind: str,
    address: str,
    plain: Any,
    aplain: Any,
    streamed: Any = None,
    astreamed: Any = None,
    name: str = "",
    **more: Any,
) -> Way:
    def make(base_url: str, **fields: Any) -> Any:
        return cls(**{"model": "a/m", "api_key": KEY, address: base_url} | more | fields)

    asks = {("sync", "plain"): plain, ("async", "plain"): aplain}
    if streamed:
        asks |= {("sync", "streamed"): streamed, ("async", "streamed"): astreamed}
    return Way(f"{cls.__name__}{name}", cls.service.name, kind, make, asks)


STOCK = [
    *(langchain(cls, "chat") for cls in (lc.ChatEmissary, lc.ChatOrq, lc.ChatAtoma)),
    *(langchain(cls, "text") for cls in (lc.EmissaryLLM, lc.OrqLLM, lc.AtomaLLM)),
    *map(langchain_embeddings, (lc.EmissaryEmbeddings, lc.OrqEmbeddings, lc.AtomaEmbeddings)),
    langchain_rerank(lc.OrqRerank),
    *map(llamaindex_chat, (li.Emissary, li.Orq, li.Atoma)),
    *(llamaindex_complete(cls, "chat") for cls in (li.Emissary, li.Orq, li.Atoma)),
    *(llamaindex_complete(cls, "text") for cls in (li.Emissary, li.Orq, li.Atoma)),
    *map(llamaindex_embeddings, (li.EmissaryEmbedding, li.OrqEmbedding, li.AtomaEmbedding)),
    llamaindex_rerank(li.OrqRerank),
]
STOCK_NAMES = [
    f"{'langchain' if number < 10 else 'llamaindex'} {way.name}" for number, way in enumerate(STOCK)
]
FAST = [replace(way, http="fast") for way in STOCK]
WAYS = [*STOCK, *FAST]
NAMES = [*STOCK_NAMES, *(f"{name} over the fast transport" for name in STOCK_NAMES)]
