"""Streamed answers: each fact on one chunk, and the sum the same as the whole answer."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    UsageMetadataCallbackHandler,
)
from langchain_core.runnables import RunnableLambda

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    OPENAI_LIKE,
    ORQ,
    Peer,
    Played,
    Stream,
    answer,
    ask,
    chunks,
    ending,
    event,
    said,
    usage_event,
    whole,
)

STREAMS = ("stream", "astream")
SCALARS = ("id", "model_name", "finish_reason", "created", "system_fingerprint")
TRADEMARK = {"system_fingerprint": "fp_1"}


def full_stream(**more: Any) -> Stream:
    facts = TRADEMARK | more
    texts = [event({"content": text}, **facts) for text in ("The", " Vltava", ".")]
    return Stream(
        [
            event({"role": "assistant", "content": ""}, **facts),
            *texts,
            ending(**facts),
            usage_event() | facts,
        ]
    )


@pytest.mark.parametrize("how", STREAMS)
@pytest.mark.parametrize("played", [ORQ, ATOMA, EMISSARY], ids=["orq", "atoma", "emissary"])
def test_each_fact_is_on_one_chunk_and_the_sum_is_the_whole_answer(
    how: str, played: Played
) -> None:
    came = chunks(how, played.model(Peer([full_stream()])), "Which river?")
    assert [chunk.content for chunk in came if chunk.content] == ["The", " Vltava", "."]
    told = Counter(name for chunk in came for name in chunk.response_metadata)
    assert {name for name, count in told.items() if count > 1} == {"model_provider"}
    assert told.keys() >= set(SCALARS)
    assert sum(chunk.usage_metadata is not None for chunk in came) == 1
    assert [chunk.chunk_position for chunk in came][-1] == "last"
    total = whole(came)
    full = ask("invoke", played.model(Peer([answer("The Vltava.", **TRADEMARK)])))
    assert total.content == full.content
    assert total.usage_metadata == full.usage_metadata
    for name in (*SCALARS, "model_provider"):
        assert total.response_metadata[name] == full.response_metadata[name], name
    assert total.id.startswith("lc_run-")


@pytest.mark.parametrize("how", STREAMS)
def test_atomas_signature_is_told_once(how: str) -> None:
    signed = {"signature": "AF==", "response_hash": "q1="}
    end = ending(**signed)
    end["choices"][0]["stop_reason"] = 128008
    peer = Peer(
        [Stream([event({"content": "Hi"}, **signed), end, usage_event() | signed], done=False)]
    )
    told = ask(how, ATOMA.model(peer)).response_metadata
    assert (told["signature"], told["response_hash"]) == ("AF==", "q1=")
    assert told["stop_reason"] == 128008


def cumulative() -> Stream:
    counts = [{"prompt_tokens": 4, "completion_tokens": n, "total_tokens": 4 + n} for n in (1, 2)]
    events = [event({"content": "a"}, usage=used) for used in counts]
    return Stream(
        [*events, ending(usage={"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7})]
    )


@pytest.mark.parametrize("how", STREAMS)
def test_usage_that_grows_with_the_stream_is_counted_once(how: str) -> None:
    came = chunks(how, ORQ.model(Peer([cumulative()])), "Hi")
    assert sum(chunk.usage_metadata is not None for chunk in came) == 1
    assert whole(came).usage_metadata["total_tokens"] == 7


@pytest.mark.parametrize("how", STREAMS)
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
@pytest.mark.parametrize(
    ("params", "options"),
    [({}, {"include_usage": True}), ({"stream_usage": False}, None)],
    ids=["asked", "not asked"],
)
def test_usage_is_asked_for_by_default(how: str, played: Played, params: Any, options: Any) -> None:
    peer = Peer([said("Hi")])
    ask(how, played.model(peer, **params))
    assert peer.body["stream"] is True
    assert peer.body.get("stream_options") == options


@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
def test_usage_can_be_turned_off_with_a_call(played: Played) -> None:
    peer = Peer([said("Hi")])
    ask("stream", played.model(peer), stream_usage=False)
    assert "stream_options" not in peer.body


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
def test_stream_options_are_for_streams(how: str, played: Played) -> None:
    peer = Peer([answer()])
    ask(how, played.model(peer, stream_options={"include_usage": False}))
    assert "stream" not in peer.body
    assert "stream_options" not in peer.body


def test_emissary_is_asked_for_a_stream_in_the_words_of_each_api() -> None:
    current = Peer([said("Hi")])
    ask("stream", EMISSARY.model(current))
    assert current.body["stream"] is True
    assert "stream_options" not in current.body
    deployment = Peer([Stream([{"id": "1", "response": "Hi"}])])
    assert ask("stream", DEPLOYMENT.model(deployment)).content == "Hi"
    assert deployment.body.keys() == {"messages"}


@pytest.mark.parametrize("how", ["invoke", "ainvoke", *STREAMS])
@pytest.mark.parametrize("asked", ["constructor", "call"])
def test_a_deployment_streams_where_that_is_asked_for(how: str, asked: str) -> None:
    events = [{"id": "answer-1", "response": text} for text in ("The", " Vltava.")]
    peer = Peer([Stream(events)])
    params = {"streaming": True} if asked == "constructor" else {}
    options = {} if asked == "constructor" else {"streaming": True}
    if asked == "call" and "invoke" in how:
        options["stream"] = True
    message = ask(how, DEPLOYMENT.model(peer, **params), **options)
    assert peer.body["streaming"] is True
    assert message.content == "The Vltava."
    assert message.response_metadata["id"] == "answer-1"


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
@pytest.mark.parametrize("played", OPENAI_LIKE.values(), ids=OPENAI_LIKE)
def test_streaming_models_stream_when_invoked(how: str, played: Played) -> None:
    peer = Peer([said("The", " Vltava.")])
    message = ask(how, played.model(peer, streaming=True))
    assert peer.body["stream"] is True
    assert message.content == "The Vltava."
    assert message.usage_metadata["total_tokens"] == 19


@pytest.mark.parametrize("how", STREAMS)
def test_logprobs_are_put_together(how: str) -> None:
    told = [{"content": [{"token": t, "logprob": -0.1}], "refusal": None} for t in ("a", "b")]
    events = [event({"content": "ab"[i]}, choice={"logprobs": told[i]}) for i in (0, 1)]
    message = ask(how, ORQ.model(Peer([Stream([*events, ending()])]), logprobs=True))
    tokens = [each["token"] for each in message.response_metadata["logprobs"]["content"]]
    assert tokens == ["a", "b"]


@pytest.mark.parametrize("how", STREAMS)
def test_refusals_and_reasoning_are_put_together(how: str) -> None:
    events = [
        event({"reasoning": "Bo"}),
        event({"reasoning": "hemia."}),
        event({"reasoning_signature": "EqQ="}),
        event({"redacted_reasoning": "xyz"}),
        event({"refusal": "I "}),
        event({"refusal": "can't."}),
        ending(),
    ]
    message = ask(how, ORQ.model(Peer([Stream(events)])))
    assert message.content == ""
    assert message.additional_kwargs == {
        "reasoning_content": "Bohemia.",
        "reasoning_signature": "EqQ=",
        "redacted_reasoning": "xyz",
        "refusal": "I can't.",
    }


class Tokens(BaseCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[tuple[str, str]] = []

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **_: Any) -> None:
        self.tokens.append((token, chunk.message.content))


class AsyncTokens(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[tuple[str, str]] = []

    async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **_: Any) -> None:
        self.tokens.append((token, chunk.message.content))


@pytest.mark.parametrize(
    ("how", "handler"),
    [(how, Tokens) for how in HOWS] + [(how, AsyncTokens) for how in ("ainvoke", "astream")],
)
def test_callbacks_hear_of_each_token_once_with_its_chunk(
    how: str, handler: Callable[[], Any]
) -> None:
    heard = handler()
    model = ORQ.model(Peer([said("The", " Vltava.")]), streaming=True)
    ask(how, model, config={"callbacks": [heard]})
    assert [token for token in heard.tokens if token[0]] == [
        ("The", "The"),
        (" Vltava.", " Vltava."),
    ]


@pytest.mark.parametrize("how", ["invoke", "ainvoke", *STREAMS])
def test_the_usage_callback_counts_by_the_servers_model_name(how: str) -> None:
    counter = UsageMetadataCallbackHandler()
    peer = Peer([said("Hi") if "stream" in how else answer("Hi")])
    ask(how, ORQ.model(peer), config={"callbacks": [counter]})
    assert counter.usage_metadata["served-model"]["total_tokens"] == 19


async def test_astream_events_v2_tells_start_tokens_and_the_whole() -> None:
    model = ORQ.model(Peer([said("The", " Vltava.")]))
    events = [told async for told in model.astream_events("Which river?", version="v2")]
    names = [told["event"] for told in events]
    assert names[0] == "on_chat_model_start"
    assert names[-1] == "on_chat_model_end"
    texts = [t["data"]["chunk"].content for t in events if t["event"] == "on_chat_model_stream"]
    assert "".join(texts) == "The Vltava."
    output = events[-1]["data"]["output"]
    assert (output.content, output.usage_metadata["total_tokens"]) == ("The Vltava.", 19)


async def test_a_chain_that_invokes_still_streams_under_astream_events() -> None:
    model = ATOMA.model(Peer([said("The", " Vltava.")]))

    async def step(question: str) -> str:
        return (await model.ainvoke(question)).content

    events = [
        told async for told in RunnableLambda(step).astream_events("Which river?", version="v2")
    ]
    texts = [t["data"]["chunk"].content for t in events if t["event"] == "on_chat_model_stream"]
    assert texts[:2] == ["The", " Vltava."]


@pytest.mark.parametrize("how", STREAMS)
@pytest.mark.parametrize("played", [ORQ, ATOMA, EMISSARY], ids=["orq", "atoma", "emissary"])
def test_stop_sequences_end_a_stream(how: str, played: Played) -> None:
    peer = Peer([said("The Vl", "tava. E", "ND more")])
    message = ask(how, played.model(peer), stop=["END"])
    assert message.content in {"The Vltava. ", "The Vltava. END more"}
    assert ("stop" in peer.body) == (played is not EMISSARY)
    if played is EMISSARY:
        assert message.content == "The Vltava. "
        assert message.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("how", STREAMS)
def test_choices_that_were_not_asked_for_do_not_mix_with_the_answer(how: str) -> None:
    other = {"index": 1, "finish_reason": "length"}
    events = [
        event({"content": "The"}),
        event({"content": "A"}, choice={"index": 1}),
        event({"content": " Vltava."}),
        event({}, choice=other),
        ending(),
        usage_event(),
    ]
    message = ask(how, ORQ.model(Peer([Stream(events)])), extra_body={"n": 2})
    assert message.content == "The Vltava."
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.usage_metadata["total_tokens"] == 19
