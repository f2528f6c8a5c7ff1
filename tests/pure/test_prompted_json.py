"""The JSON out of an answer that should be nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport.prompted import PromptedJson
from emissary_transport.types import Delta, Usage

JSON = '{"a": "} <b> \\" it\'s", "b": [1, {"c": null}]}'


def chunkings(text):
    yield [text]
    yield list(text)
    yield from ([text[:at], text[at:]] for at in range(1, len(text)))


def text_of(pieces):
    answer = PromptedJson()
    out = [out for piece in pieces for out in answer.feed(Delta(piece))] + answer.close()
    return "".join(delta.text for delta in out)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (JSON, JSON),
        (f"\n  {JSON}\n", JSON),
        (f"```json\n{JSON}\n```", JSON),
        (f"```\n{JSON}\n```\nI hope {{that}} helps.", JSON),
        (f"Here is the JSON:\n\n{JSON}\nBye {{now}}.", JSON),
        (f"Here is the [best] {{guess}} (a < b): {JSON}", JSON),
        (f"{JSON}{JSON}", JSON),
        ("[1, [2]] and", "[1, [2]]"),
        ("{ \n }", "{ \n }"),
        ("{'a': '}'} x", "{'a': '}'}"),
        ('{"a": <b>} x', '{"a": <b>}'),
        ('{"a": "cut off', '{"a": "cut off'),
        (
            f'<think>maybe {{"x": 1}}</think>\n```json\n{JSON}\n```',
            f'<think>maybe {{"x": 1}}</think>{JSON}',
        ),
        (f"<thing>{JSON}", JSON),
        ("", ""),
        ("I can't {really} do [that] <now>.\n", "I can't {really} do [that] <now>.\n"),
        ("No: {", "No: {"),
        ("{ ", "{ "),
        ("<think>{}", "<think>{}"),
        ("<thi", "<thi"),
    ],
)
def test_only_json_is_left_if_there_is_any(answer, text):
    for pieces in chunkings(answer):
        assert text_of(pieces) == text, pieces


def test_json_flows_on_as_it_comes():
    answer = PromptedJson()
    assert answer.feed(Delta("```json\n{")) == []
    assert [delta.text for delta in answer.feed(Delta('"a"'))] == ['{"a"']
    delta = Delta(': "b <')
    assert answer.feed(delta)[0] is delta
    assert [delta.text for delta in answer.feed(Delta('"}\n``'))] == ['"}']
    assert answer.feed(Delta("`")) == answer.close() == []


def test_the_end_comes_behind_held_text():
    usage = Usage(1, 1, 2)
    answer = PromptedJson()
    assert answer.feed(Delta("No.", index=1)) == []
    end = Delta(finish_reason="stop", usage=usage, metadata={"id": "1"}, index=1)
    assert answer.feed(end) == []
    assert answer.close() == [
        Delta("No.", finish_reason="stop", usage=usage, metadata={"id": "1"}, index=1)
    ]
    assert answer.close() == []
    assert not answer.missing


def test_the_end_passes_as_the_same_object_when_nothing_is_held():
    answer = PromptedJson()
    answer.feed(Delta(JSON + "\n"))
    end = Delta(finish_reason="stop", raw={})
    assert answer.feed(end)[0] is end


def test_what_came_with_dropped_text_comes():
    answer = PromptedJson()
    assert answer.feed(Delta("Sure: ", raw=1)) == [Delta(raw=1)]
    assert answer.feed(Delta("{}.", raw=2, finish_reason="stop")) == [
        Delta("{}", raw=2, finish_reason="stop")
    ]


@given(
    st.lists(
        st.sampled_from([JSON, "{", "}", "[", "]", '"', "<", "<think>", "</think>", " ", "\n", "x"])
    ).map("".join)
)
def test_it_makes_no_difference_how_an_answer_is_cut(answer):
    whole = text_of([answer])
    assert text_of(list(answer)) == whole
    assert text_of([answer[at : at + 3] for at in range(0, len(answer), 3)]) == whole


@pytest.mark.parametrize(
    "answer", ["x { " * 50_000, "{" + " " * 200_000, '{"a": "' + "<x" * 100_000, "<thi" * 50_000]
)
def test_the_cost_grows_with_the_length_only(answer):
    begin = time.process_time()
    assert text_of([answer[at : at + 5] for at in range(0, len(answer), 5)]) == answer
    assert time.process_time() - begin < 2  # takes a few tenths; squared cost takes minutes
