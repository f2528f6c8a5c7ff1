"""Messages both ways: any one is sent or refused, and an answer goes back as it came."""

import json
from functools import reduce
from operator import add

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from llama_index.core.base.llms.types import (
    ChatMessage,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

import langchain_emissary.messages as lc
from emissary_transport import (
    ORQ,
    Call,
    Choice,
    Delta,
    Reasoning,
    Reply,
    ToolCall,
    ToolFragment,
)
from emissary_transport.service import call_body
from fuzz.given import JSON_VALUES, SERVICES, TEXTS, steady
from llamaindex_emissary import answers as li_answers
from llamaindex_emissary import messages as li

ARGUMENTS = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3)
CALLS = st.lists(st.tuples(st.sampled_from(["say", "ask"]), ARGUMENTS), max_size=3)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, TEXTS),
    st.builds(
        lambda data: {"type": "image", "base64": data, "mime_type": "image/png"}, st.just("aGk=")
    ),
    st.builds(lambda text: {"type": "reasoning", "reasoning": text}, TEXTS),
    st.dictionaries(st.sampled_from(["type", "text", "url", "data", "id", "name"]), JSON_VALUES),
    TEXTS,
)
CONTENT = TEXTS | st.lists(BLOCKS, max_size=3)


@st.composite
def langchain_turns(draw):
    turns = [
        draw(st.sampled_from([HumanMessage, SystemMessage]))(draw(CONTENT))
        for _ in range(draw(st.integers(0, 2)))
    ]
    calls = draw(CALLS)
    turns.append(
        AIMessage(
            draw(CONTENT),
            tool_calls=[
                {"name": name, "args": args, "id": f"c{place}"}
                for place, (name, args) in enumerate(calls)
            ],
            additional_kwargs=draw(st.dictionaries(TEXTS, JSON_VALUES, max_size=2)),
        )
    )
    turns += [ToolMessage(draw(CONTENT), tool_call_id=f"c{n}") for n in range(len(calls))]
    return [*turns, HumanMessage(draw(TEXTS))]


def sent_or_refused(service, make):
    """The body, or None where it is told that it can't be sent."""
    try:
        body = call_body(service, Call(messages=tuple(make()), model="m"))
    except ValueError:
        return
    json.dumps(body)


@steady
@given(langchain_turns(), SERVICES)
def test_any_langchain_conversation_is_sent_or_refused(turns, service):
    sent_or_refused(service, lambda: lc.to_messages(turns, service.name))


LI_BLOCKS = st.one_of(
    st.builds(TextBlock, text=TEXTS),
    st.builds(ThinkingBlock, content=TEXTS | st.none()),
    st.builds(ImageBlock, url=st.just("https://example.com/a.png")),
    st.builds(
        ToolCallBlock,
        tool_call_id=st.sampled_from(["a", "b", None]),
        tool_name=st.sampled_from(["say", ""]),
        tool_kwargs=ARGUMENTS | TEXTS,
    ),
)
LI_TURNS = st.lists(
    st.builds(
        ChatMessage,
        role=st.sampled_from(list(MessageRole)),
        blocks=st.lists(LI_BLOCKS, max_size=3),
        additional_kwargs=st.dictionaries(
            st.sampled_from(["tool_call_id", "tool_calls", "name", "refusal", "cache_control"]),
            JSON_VALUES,
            max_size=2,
        ),
    ),
    min_size=1,
    max_size=4,
)


@steady
@given(LI_TURNS, SERVICES)
def test_any_llamaindex_conversation_is_sent_or_refused(turns, service):
    sent_or_refused(service, lambda: li.to_messages(service, turns))


@st.composite
def replies(draw):
    calls = tuple(
        ToolCall(f"c{place}", name, json.dumps(args))
        for place, (name, args) in enumerate(draw(CALLS))
    )
    thought = draw(TEXTS)
    return Choice(
        text=draw(TEXTS),
        tool_calls=calls,
        finish_reason="tool_calls" if calls else "stop",
        reasoning=Reasoning(thought) if thought else None,
    )


def said(message):
    """What a turn of the assistant says, in neutral words."""
    content = message.content
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in message.tool_calls]
    return content, calls


@steady
@given(replies())
def test_an_answer_goes_back_as_it_came(choice):
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in choice.tool_calls]
    reply = Reply((choice,))
    theirs = lc.from_reply(reply, "orq", "m").generations[0].message
    [back] = lc.to_messages([theirs], "orq")[:1]
    assert said(back) == (choice.text, calls)
    if calls or choice.text:
        [back] = li.to_messages(ORQ, [li_answers.from_reply(reply).message])[:1]
        assert said(back) == (choice.text, calls)


@steady
@given(replies(), st.integers(1, 5))
def test_a_streamed_answer_is_the_whole_one(choice, size):
    """Pieces of text and arguments, each with a place to begin."""
    deltas = [Delta(choice.text[at : at + size]) for at in range(0, len(choice.text), size)]
    for index, call in enumerate(choice.tool_calls):
        deltas.append(Delta(tool_fragments=[ToolFragment(index, call.id, call.name)]))
        for at in range(0, len(call.arguments), size):
            piece = ToolFragment(index, arguments=call.arguments[at : at + size])
            deltas.append(Delta(tool_fragments=[piece]))
    deltas.append(Delta(finish_reason=choice.finish_reason))
    chunks = [lc.from_delta(delta, "orq", "m").message for delta in deltas]
    whole = lc.from_reply(Reply((choice,)), "orq", "m").generations[0].message
    together = reduce(add, chunks)
    assert (together.text, together.tool_calls) == (whole.text, whole.tool_calls)
    answer = li_answers.Answer()
    *_, last = [answer.with_delta(delta) for delta in deltas]
    of_li = li_answers.from_reply(Reply((choice,))).message
    assert (last.message.content or "") == (of_li.content or "")
    assert [
        block.tool_kwargs for block in last.message.blocks if isinstance(block, ToolCallBlock)
    ] == [call.arguments and json.loads(call.arguments) for call in choice.tool_calls]
