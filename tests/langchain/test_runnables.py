"""Models among LangChain's other runnables."""

import asyncio
import inspect
from collections.abc import Iterator
from operator import itemgetter
from types import MethodType
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough

from langchain_emissary import ChatOrq

from .chat_peer import (
    HOWS,
    KEY,
    OPENAI_LIKE,
    ORQ,
    PLAYED,
    Peer,
    Played,
    Stream,
    answer,
    answers,
    ask,
    chunks,
    clients,
    ending,
    event,
    said,
)


class Counter(BaseRateLimiter):
    def __init__(self) -> None:
        self.count = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.count += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire()


@pytest.mark.parametrize("how", HOWS)
def test_a_rate_limiter_is_asked_once_a_request(how: str) -> None:
    limiter = Counter()
    ask(how, ORQ.model(Peer([answers(how)]), rate_limiter=limiter))
    assert limiter.count == 1


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize(
    ("disabled", "tools", "streams"),
    [(True, [], False), ("tool_calling", [], True), ("tool_calling", ["t"], False)],
)
def test_streaming_can_be_disabled(how: str, disabled: Any, tools: Any, streams: bool) -> None:
    peer = Peer([said("Hi") if streams else answer("Hi")])
    model = ORQ.model(peer, disable_streaming=disabled)
    given = [{"type": "function", "function": {"name": name}} for name in tools]
    assert ask(how, model.bind(tools=given)).content == "Hi"
    assert ("stream" in peer.body) == streams


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_a_batch_keeps_its_order(played: Played, way: str) -> None:
    peer = Peer([answers("invoke", played=played)])
    model = played.model(peer)
    questions = [f"Question {number}?" for number in range(20)]
    config = {"max_concurrency": 4}
    if way == "batch":
        came = model.batch(questions, config=config)
    else:
        came = asyncio.run(model.abatch(questions, config=config))
    assert [message.content for message in came] == ["The Vltava."] * 20
    assert sorted(body["messages"][0]["content"] for body in peer.bodies) == sorted(questions)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_fields_can_be_left_to_the_config(how: str, played: Played) -> None:
    peer = Peer([answers(how, played=played)])
    fields = {"temperature": ConfigurableField(id="warmth")}
    model = played.model(peer, default_headers={"X-A": "b"}).configurable_fields(**fields)
    assert ask(how, model, config={"configurable": {"warmth": 0.1}}).content == "The Vltava."
    assert peer.body["temperature"] == 0.1
    assert peer.request.headers["x-a"] == "b"
    if played in OPENAI_LIKE.values():
        assert peer.body.get("stream", False) == ("stream" in how)
    ask(how, model)
    assert "temperature" not in peer.body


@pytest.mark.parametrize("how", HOWS)
def test_a_model_can_be_chosen_by_the_config(how: str) -> None:
    first, second = (Peer([answers(how, text=text)]) for text in ("first", "second"))
    model = ORQ.model(first).configurable_alternatives(
        ConfigurableField(id="who"), default_key="orq", atoma=PLAYED["atoma"].model(second)
    )
    assert ask(how, model).content == "first"
    assert ask(how, model, config={"configurable": {"who": "atoma"}}).content == "second"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["emissary", "orq", "atoma"])
def test_a_closed_model_opens_new_connections(how: str, name: str, emulator: Any) -> None:
    played = PLAYED[name]
    model = played.cls(**played.params, base_url=f"{emulator.base_url}/{name}", api_key=KEY)
    for _ in range(2):
        assert "Vltava" in ask(how, model, "Which river flows through Prague?").content
        model.close()
        asyncio.run(model.aclose())


async def test_closing_leaves_a_clients_owner_the_client() -> None:
    model = ORQ.model(Peer([answer()]))
    model.invoke("Hi")
    await model.ainvoke("Hi")
    model.close()
    await model.aclose()
    assert not model.http_client.is_closed
    assert not model.http_async_client.is_closed
    assert model.invoke("Hi").content == "The Vltava."


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_leaving_a_stream_early_ends_the_request(how: str, emulator: Any) -> None:
    model = ORQ.cls(**ORQ.params, base_url=f"{emulator.base_url}/orq", api_key=KEY)
    emulator.clear()
    emulator.fail_next(words=200, pace=0.01)

    async def first() -> None:
        stream = model.astream("Tell me a lot.")
        await anext(stream)
        await stream.aclose()

    if how == "stream":
        stream = model.stream("Tell me a lot.")
        next(stream)
        stream.close()
        model.close()
    else:
        asyncio.run(first())
    record = emulator.requests.last
    for _ in range(500):
        if record.outcome.left_early:
            break
        asyncio.run(asyncio.sleep(0.01))
    assert record.outcome.left_early
    assert not record.outcome.finished


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
def test_an_answer_of_nothing_is_an_empty_message(how: str, played: Played) -> None:
    given = Stream([ending()]) if "stream" in how else answer(None)
    message = ask(how, played.model(Peer([given])))
    assert message.content == ""
    assert message.response_metadata["finish_reason"] == "stop"


def test_a_cache_tells_output_versions_apart() -> None:
    cache, peer = InMemoryCache(), Peer([answer("Hi")])
    old, new = (ORQ.model(peer, cache=cache, output_version=each) for each in ("v0", "v1"))
    assert old.invoke("Hi").content == "Hi"
    assert new.invoke("Hi").content == [{"type": "text", "text": "Hi"}]


PAPERS = [
    Document("The Vltava flows through Prague."),
    Document("The Svratka flows through Brno."),
]


def papers_on(question: str) -> str:
    return "\n".join(paper.page_content for paper in PAPERS if question)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["emissary", "orq", "atoma"])
def test_questions_are_answered_from_what_was_found(how: str, name: str, emulator: Any) -> None:
    played = PLAYED[name]
    model = played.cls(**played.params, base_url=f"{emulator.base_url}/{name}", api_key=KEY)
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer from this context:\n{context}"), ("human", "{question}")]
    )
    chain = (
        RunnablePassthrough.assign(context=itemgetter("question") | RunnableLambda(papers_on))
        | prompt
        | model
        | StrOutputParser()
    )
    text = ask(how, chain, {"question": "Which river flows through Brno?"})
    assert "Svratka" in text
    if "stream" in how:
        assert len(chunks(how, chain, {"question": "Which river flows through Brno?"})) > 2
    model.close()


def test_a_generator_of_messages_is_an_input_too() -> None:
    def turns() -> Iterator[Any]:
        yield HumanMessage("Hi")

    assert ORQ.model(Peer([answer()])).invoke(list(turns())).content == "The Vltava."


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_streamed_chain_gives_text_as_it_comes(how: str) -> None:
    peer = Peer([Stream([event({"content": "a"}), event({"content": "b"}), ending()])])
    came = chunks(how, ORQ.model(peer) | StrOutputParser(), "Hi")
    assert [text for text in came if text] == ["a", "b"]


@pytest.mark.parametrize("name", ["_generate", "_agenerate"])
def test_what_langchain_inspects_in_every_call_is_ready(name: str) -> None:
    model = ORQ.model(Peer([]))
    method, bound = getattr(type(model), name), getattr(model, name)
    assert bound.__signature__ == inspect.signature(MethodType(method, model))
    assert inspect.iscoroutinefunction(bound) == inspect.iscoroutinefunction(method)


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_a_subclass_answers_in_its_own_way(how: str) -> None:
    class Own(ChatOrq):
        def _generate(self, messages: Any, stop: Any = None, **options: Any) -> Any:
            return super()._generate(messages[-1:], stop, **options)

        async def _agenerate(self, messages: Any, stop: Any = None, **options: Any) -> Any:
            return await super()._agenerate(messages[-1:], stop, **options)

    peer = Peer([answers(how)])
    assert ask(
        how, Own(model="m", api_key=KEY, **clients(peer)), [("user", "a"), ("user", "b")], seed=7
    ).text
    [body] = peer.bodies
    assert (body["seed"], [said["content"] for said in body["messages"]]) == (7, ["b"])
