"""Faults break what they say, and nothing else."""

from __future__ import annotations

import json
from dataclasses import fields

import httpx
import pytest

from emissary_emulator.__main__ import main
from emissary_emulator.faults import Fault, FaultBook, FaultOptions, parsed

ALL = ["D", "C", "orq", "seed", "atoma"]


def streamed(caller, surfaces, surface, fault):
    return caller.chat(surface, fault=fault, **{surfaces[surface].stream: True})


def test_the_header_is_read():
    fault = parsed("status=503; retry-after = 2;omit=usage, id;crlf;glue=0;delay=.5")
    assert fault == Fault(
        status=503, retry_after="2", omit=("usage", "id"), crlf=True, glue=False, delay=0.5
    )


def test_all_faults_are_told(capsys):
    assert main(["--faults"]) == 0
    told = capsys.readouterr().out
    names = {field.name for field in fields(Fault)}
    assert [name for name in names if name.replace("_", "-") not in told] == []
    assert names - FaultOptions.__annotations__.keys() == {"times", "id"}


@pytest.mark.parametrize("header", ["nonsense", "status=x", "cut=1.5", "status=500;what=1"])
def test_a_senseless_header_is_refused(caller, header):
    with pytest.raises(ValueError, match="fault"):
        parsed(header)
    answer = caller.chat("orq", fault=header)
    assert answer.status_code == 400
    assert answer.text.startswith("emulator: ")


@pytest.mark.parametrize("header", ["profile=native", "status=500;shape=text"])
def test_what_a_service_does_not_have_cannot_be_asked_for(caller, header):
    answer = caller.chat("orq", fault=header)
    assert answer.status_code == 400
    assert answer.text.startswith("emulator: orq has no ")


@pytest.mark.parametrize("surface", ALL)
def test_the_next_requests_fail(caller, server, surface):
    server.fail_next(status=503, times=2, retry_after=1)
    answers = [caller.chat(surface) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "1"
    server.clear()
    assert caller.chat(surface).json() == answers[2].json()


def test_only_the_requests_that_fit_fail(caller, server):
    server.fail_next(status=500, service="orq")
    server.fail_next(status=502, path="/v1/models")
    assert caller.chat("atoma").status_code == 200
    assert caller.chat("orq").status_code == 500
    assert caller.get("/atoma/v1/models").status_code == 502


def test_a_header_counts_by_its_own_value(caller):
    statuses = [caller.chat("orq", fault="status=500;times=2;id=a").status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert caller.chat("orq", fault="status=500;times=2;id=b").status_code == 500


def test_what_python_asked_for_comes_before_the_header():
    book = FaultBook()
    book.queue(Fault(status=500), 1, None, None)
    headers = {"x-emulator-fault": "status=400", "x-emulator-profile": "seed"}
    assert [book.take("orq", "/", headers).status for _ in range(2)] == [500, 400]
    assert book.take("orq", "/", headers).profile == "seed"


@pytest.mark.parametrize("surface", ALL)
def test_a_cut_stream_breaks(caller, surfaces, surface):
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        streamed(caller, surfaces, surface, "cut=3")


@pytest.mark.parametrize("surface", ALL)
def test_a_cut_answer_breaks(caller, surface):
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message"):
        caller.chat(surface, fault="cut=0")


@pytest.mark.parametrize("surface", ALL)
def test_a_truncated_stream_ends_well(caller, surfaces, events_in, server, surface):
    answer = streamed(caller, surfaces, surface, "truncate=3")
    assert len(events_in(answer.text)) == 3
    assert "[DONE]" not in answer.text
    assert server.requests.last.outcome.events == 3


def test_a_truncated_answer_is_half_of_one(caller):
    text = caller.chat("orq", fault="truncate=0").text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@pytest.mark.parametrize("surface", ["D", "orq", "atoma"])
def test_an_error_event_ends_the_stream(caller, surfaces, events_in, surface):
    answer = streamed(caller, surfaces, surface, "error-event=2")
    assert "error" in events_in(answer.text)[-1]
    assert len(events_in(answer.text)) == 3
    assert "[DONE]" not in answer.text


def test_a_reset_is_a_reset(caller):
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        caller.chat("orq", fault="reset")
    assert caller.chat("orq").status_code == 200


@pytest.mark.parametrize("fault", ["hang", "stall=2", "delay=9"])
def test_silence(client, surfaces, server, fault):
    where = surfaces["orq"]
    headers = {"Authorization": "Bearer k", "X-Emulator-Fault": fault}
    body = {**where.body, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with pytest.raises(httpx.ReadTimeout):
        client.post(where.path, json=body, headers=headers, timeout=0.05)


def test_comments_are_no_silence(caller, surfaces):
    text = streamed(caller, surfaces, "orq", "keepalive-flood=0.06").text
    assert text.count(": keep-alive") == 4


def test_atoma_keeps_a_slow_stream_alive(caller, surfaces):
    usual = streamed(caller, surfaces, "atoma", "delay=0").text.count(": keep-alive")
    slow = streamed(caller, surfaces, "atoma", "delay=0.06").text.count(": keep-alive")
    assert slow == usual + 4


@pytest.mark.parametrize("surface", ALL)
@pytest.mark.parametrize("fault", ["fragment=1", "glue", "crlf", "noise", "pace=0.001"])
def test_odd_but_sound_streams_say_the_same(caller, surfaces, events_in, surface, fault):
    where = surfaces[surface]

    def said(asked):
        chunks = events_in(streamed(caller, surfaces, surface, asked).text)
        return "".join(map(where.piece, chunks))

    assert said(fault) == said("") == where.text(caller.chat(surface, fault=fault).json())


def test_line_ends_and_noise(caller, surfaces):
    text = streamed(caller, surfaces, "orq", "crlf;noise").content
    assert b"\r\n\r\n" in text
    assert b"\n\n" not in text
    assert b": noise" in text
    assert b"retry: 3000" in text


def test_no_sentinel(caller, surfaces):
    assert "[DONE]" not in streamed(caller, surfaces, "orq", "no-done").text


@pytest.mark.parametrize(
    ("fault", "status", "media_type"),
    [
        ("html", 200, "text/html"),
        ("status=502;html", 502, "text/html"),
        ("empty", 200, "application/json"),
        ("garbage", 200, "application/json"),
    ],
)
def test_answers_that_are_none(caller, fault, status, media_type):
    answer = caller.chat("orq", fault=fault)
    assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_fields_left_out_or_null(caller, events_in):
    answer = caller.chat("orq", fault="omit=usage,choices.message.role;null=id").json()
    assert "usage" not in answer
    assert "role" not in answer["choices"][0]["message"]
    assert answer["id"] is None
    chunks = caller.chat("orq", fault="omit=choices.index", stream=True).text
    assert not any("index" in choice for c in events_in(chunks) for choice in c["choices"])
    assert caller.chat("D", fault="omit=id").json().keys() == {"response"}


def test_floats(caller):
    answer = caller.chat("atoma", fault="floats").json()
    assert isinstance(answer["created"], float)
    assert isinstance(answer["choices"][0]["index"], float)


@pytest.mark.parametrize("surface", ALL)
def test_long_answers(caller, surfaces, surface):
    text = surfaces[surface].text(caller.chat(surface, fault="words=500").json())
    assert len(text.split()) > 400


def test_text_beside_calls(caller):
    tool = {"type": "function", "function": {"name": "now", "description": "The time"}}
    fields = {"tools": [tool], "tool_choice": "required"}
    message = caller.chat("orq", fault="preface", **fields).json()["choices"][0]["message"]
    assert message["content"]
    assert message["tool_calls"]
