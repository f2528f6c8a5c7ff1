"""What comes back: once, in order, and no longer than it is wanted."""

import json
from functools import partial

import httpx
import pytest

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    ORQ,
    Call,
    Message,
    Named,
    errors,
)
from pure.examples import chunk, example, sse
from shell.both import Both, Script, answer, refusal, streamed

HI = (Message("user", "hi"),)
CALL = Call(model="m", messages=HI, path={"project_id": "p", "deployment_id": "d"})
STREAM = Call(model="m", messages=HI, path=CALL.path, stream=True)
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
END = chunk("", "stop")


def tool(name):
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def test_one_reader_serves_chat_and_stream(how):
    body = example("atoma.chat.stream.sse")
    for call in (CALL, STREAM):
        step, sent = streamed(body)
        client = Both(how, ATOMA, Script(step))
        assert client.chat(call).text == "The Vltava flows through Prague."
        assert sent.closed


def test_deltas_come_as_soon_as_their_bytes(how):
    step, body = streamed(sse(chunk("a")), sse(chunk("b")), sse(END))
    seen = []

    class Seen(list):
        def append(self, delta):
            seen.append((delta.text, body.given))

    Both(how, ORQ, Script(step)).stream(STREAM, into=Seen())
    assert seen == [("a", 1), ("b", 2), ("", 3)]


def test_deltas_are_handed_over_as_what_is_made_of_them(how):
    step, body = streamed(sse(chunk("a"), chunk("b")), sse(chunk("c"), chunk("the E")), b"")
    call = Call(model="m", messages=HI, stream=True, stop=("END",))
    given = []
    with pytest.raises(errors.BrokenAnswer):
        Both(how, ORQ, Script(step)).stream(
            call, lambda delta: None if delta.text == "b" else delta.text.upper(), into=given
        )
    assert given == ["A", "C", "THE ", "E"]
    assert body.closed


def test_an_answer_is_closed_when_nothing_can_be_made_of_it(how):
    step, body = streamed(sse(chunk("a")), sse(END))
    with pytest.raises(ZeroDivisionError):
        Both(how, ORQ, Script(step)).stream(STREAM, lambda _: 1 / 0)
    assert (body.given, body.closed) == (1, True)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("service", "name"),
    [(ATOMA, "atoma.chat.stream.sse"), (ORQ, "orq.router-chat.stream-current.sse"),
     (ORQ, "orq.router-chat.stream-seed-tools.sse"), (EMISSARY, "emissary.chat.stream.sse")],
)  # fmt: skip
def test_what_stands_for_the_whole_comes_once(how, service, name, size):
    content = example(name)
    step, _ = streamed(*(content[at : at + size] for at in range(0, len(content), size)))
    given = Both(how, service, Script(step)).stream(STREAM)
    assert sum(delta.finish_reason is not None for delta in given) == 1
    assert sum(delta.metadata is not None for delta in given) == 1
    assert sum(delta.usage is not None for delta in given) == (service is not EMISSARY)


def test_leaving_early_closes_the_answer(how):
    step, body = streamed(*(sse(chunk(letter)) for letter in "abc"), sse(END))
    given = Both(how, ORQ, Script(step)).stream(STREAM, take=1)
    assert [delta.text for delta in given] == ["a"]
    assert (body.given, body.closed) == (1, True)


@pytest.mark.parametrize("service", [EMISSARY, EMISSARY_DEPLOYMENT])
def test_a_stop_sequence_closes_the_answer(how, service):
    step, body = streamed(*(sse(chunk(text)) for text in ("the E", "ND of", " it")), sse(END))
    call = Call(model="m", messages=HI, path=CALL.path, stream=True, stop=("END",))
    client = Both(how, service, Script(step))
    answered = client.streamed(call)
    assert (answered.text, answered.choice.finish_reason) == ("the ", "stop")
    assert (body.given, body.closed) == (2, True)
    assert "stop" not in client.script.bodies[0]


def test_what_came_before_a_break_is_out_before_the_error(how):
    for ending, cls in (
        (httpx.ReadError("reset"), errors.BrokenAnswer),
        (httpx.RemoteProtocolError("peer closed connection"), errors.BrokenAnswer),
        (httpx.ReadTimeout("silence"), errors.StalledAnswer),
        (b"", errors.BrokenAnswer),
        (b"data: garbage\n\n", errors.BadAnswer),
        (b'data: {"error": {"code": "rate_limit_exceeded"}}\n\n', errors.RateLimited),
    ):
        step, body = streamed(sse(chunk("a"), chunk("the E")), ending)
        call = Call(model="m", messages=HI, stream=True, stop=("END",))
        given = []
        with pytest.raises(errors.ServiceError) as caught:
            Both(how, ORQ, Script(step)).stream(call, into=given)
        assert type(caught.value) is cls
        assert "".join(delta.text for delta in given) == "athe E"
        assert body.closed


@pytest.mark.parametrize("make", [lambda delta: delta.text, None], ids=["stream", "chat"])
def test_what_came_is_in_no_frame_of_the_error(how, make):
    step, _ = streamed(sse(chunk("private")), httpx.ReadError("reset"))
    both = Both(how, ORQ, Script(step))
    answered = partial(both.stream, STREAM, make) if make else partial(both.chat, STREAM)
    with pytest.raises(errors.BrokenAnswer) as caught:
        answered()
    frames = [entry.frame for entry in caught.traceback if "client.py" in str(entry.path)]
    assert frames
    assert "private" not in repr([dict(frame.f_locals) for frame in frames])


def test_silence_after_the_end_is_no_error(how):
    for way in (Both.chat, Both.streamed):
        step, _ = streamed(sse(chunk("a", "stop")), httpx.ReadTimeout("silence"))
        assert way(Both(how, ATOMA, Script(step)), STREAM).text == "a"


def test_a_body_in_a_broken_encoding_is_a_broken_answer(how):
    step, _ = streamed(b"no gzip", **{"content-encoding": "gzip"})
    with pytest.raises(errors.BrokenAnswer):
        Both(how, ORQ, Script(step)).chat(CALL)


def test_a_page_is_let_go(how):
    step, body = streamed(b"<p>hi", content_type="text/html")
    with pytest.raises(errors.BadAnswer, match="a page"):
        Both(how, ORQ, Script(step)).chat(CALL)
    assert body.closed


@pytest.mark.parametrize("piece", [httpx.ReadError("reset"), httpx.ReadTimeout("silence"), b""])
def test_a_refusal_that_breaks_off_is_still_one(how, piece):
    step, body = streamed(b"no such", piece)
    step.status_code = 404
    with pytest.raises(errors.NotFound, match="no such"):
        Both(how, ORQ, Script(step)).chat(CALL)
    assert body.closed


def test_a_refusal_without_end_is_not_read_to_its_end(how):
    step, body = streamed(*(300 * [10_000 * b"x"]))
    step.status_code = 400
    with pytest.raises(errors.InvalidRequest):
        Both(how, ORQ, Script(step)).chat(CALL)
    assert body.closed
    assert body.given < 120


TAGGED = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
CALLED = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
FORCED = [
    (EMISSARY, answer(TAGGED)),
    (EMISSARY_DEPLOYMENT, httpx.Response(200, json={"id": "a1", "response": TAGGED})),
    (ATOMA, answer(None, tool_calls=[CALLED])),
]


@pytest.mark.parametrize(("service", "good"), FORCED, ids=lambda p: getattr(p, "title", ""))
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_forced_call_that_does_not_come_is_asked_for_once_more(how, service, good, is_stream):
    usage = {"usage": USAGE}
    poor = httpx.Response(200, json={"choices": [{"message": {"content": "I won't."}}]} | usage)
    content = json.loads(good.content) | (usage if service is not EMISSARY_DEPLOYMENT else {})
    client = Both(how, service, Script(poor, httpx.Response(200, json=content)))
    call = Call(
        model="m", messages=HI, path=CALL.path, stream=is_stream,
        tools=(tool("f"), tool("g")), tool_choice="required",
    )  # fmt: skip
    given = client.stream(call)
    assert client.tries == 2
    assert [fragment.name for delta in given for fragment in delta.tool_fragments] == ["f"]
    assert "I won't." not in "".join(delta.text for delta in given)
    used = [delta.usage.total_tokens for delta in given if delta.usage is not None]
    assert used == [USAGE["total_tokens"] * (1 if service is EMISSARY_DEPLOYMENT else 2)]
    assert sum(delta.metadata is not None for delta in given) == 1
    again = client.script.bodies[1]
    if service is ATOMA:  # by name, which it can be held to: the last tool, and no word more
        assert again["messages"] == [{"role": "user", "content": "hi"}]
        assert again["tool_choice"] == {"type": "function", "function": {"name": "g"}}
    else:
        assert again["messages"][-2] == {"role": "assistant", "content": "I won't."}
        assert again["messages"][-1]["role"] == "user"


@pytest.mark.parametrize("service", [EMISSARY, EMISSARY_DEPLOYMENT, ATOMA])
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_forced_call_that_never_comes_is_an_error(how, service, is_stream):
    client = Both(how, service, Script(lambda: answer("I won't.")))
    tools = (tool("f"), tool("g"))
    call = Call(
        model="m",
        messages=HI,
        path=CALL.path,
        stream=is_stream,
        tools=tools,
        tool_choice="required",
    )
    given = []
    with pytest.raises(errors.MissingToolCall, match="asked twice"):
        client.stream(call, into=given)
    assert (client.tries, given) == (2, [])


def test_a_named_call_is_forced_by_the_service_or_here(how):
    for service, tries in ((ORQ, 1), (ATOMA, 1), (EMISSARY, 2)):
        client = Both(how, service, Script(lambda: answer("I won't.")))
        call = Call(model="m", messages=HI, tools=(tool("f"),), tool_choice=Named("f"))
        if service is EMISSARY:
            with pytest.raises(errors.MissingToolCall):
                client.chat(call)
        else:
            assert client.chat(call).text == "I won't."
        assert client.tries == tries


def test_the_second_asking_may_fail_like_the_first(how):
    client = Both(how, EMISSARY, Script(answer("No."), refusal(503), answer(TAGGED)))
    call = Call(model="m", messages=HI, tools=(tool("f"),), tool_choice="required")
    [called] = client.chat(call).choice.tool_calls
    assert (called.name, client.tries) == ("f", 3)


def test_the_callers_client_is_never_closed(how):
    client = Both(how, ORQ, Script(lambda: answer("hello")))
    client.chat(CALL)
    client.close()
    client.close()
    assert not client.http.is_closed
    assert client.chat(CALL).text == "hello"
