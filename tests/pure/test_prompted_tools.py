"""Tool calls out of the text of an answer."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_transport.prompted import PromptedTools
from emissary_transport.types import Delta, Named, ToolFragment, Usage

NAMES = frozenset({"weather", "say"})
SAY = '{"name": "say", "arguments": {"text": "hi"}}'
SAID = ("say", {"text": "hi"})
SIGNATURE = '{"name": "say", "parameters": {"type": "object", "properties": {}}}'
TAGGED = f"<tool_call>\n{SAY}\n</tool_call>"


def chunkings(text):
    """The text whole, in single characters, in fives, and cut in two everywhere."""
    yield [text]
    yield list(text)
    yield [text[at : at + 5] for at in range(0, len(text), 5)]
    if len(text) < 200:
        yield from ([text[:at], text[at:]] for at in range(1, len(text)))


def deltas(pieces, *, forced=None, parallel=True, names=NAMES):
    tools = PromptedTools(names, forced=forced, parallel=parallel)
    return [out for piece in pieces for out in tools.feed(Delta(piece))] + tools.close()


def summary(out):
    fragments = [fragment for delta in out for fragment in delta.tool_fragments]
    assert [fragment.index for fragment in fragments] == list(range(len(fragments)))
    assert all(re.fullmatch("call_[0-9a-f]{24}", fragment.id) for fragment in fragments)
    assert len({fragment.id for fragment in fragments}) == len(fragments)
    calls = [(fragment.name, json.loads(fragment.arguments)) for fragment in fragments]
    return "".join(delta.text for delta in out), calls


def check(answer, text, calls, **how):
    for pieces in chunkings(answer):
        assert summary(deltas(pieces, **how)) == (text, calls), pieces


@pytest.mark.parametrize(
    "answer",
    [
        TAGGED,
        f"<tool_call>{SAY}</tool_call>",
        f" \n<tool_call>  {SAY}\n\n</tool_call>\n\n",
        f"<tool_call>{SAY}",
        f"<tool_call>{SAY}</tool_c",
        f"<tool_call>{SAY}</tool_calls>",
        f"<tool_calls>[{SAY}]</tool_calls>",
        f"<tool_call>\n```json\n{SAY}\n```\n</tool_call>",
        f"<function_call>{SAY}</function_call>",
        f"<tools>{SAY}</tools>",
        f"[TOOL_CALLS] [{SAY}]",
        f"[TOOL_CALLS][{SAY}]</s>",
        f"<|python_tag|>{SAY}<|eom_id|>",
        '<function=say>{"text": "hi"}</function>',
        '<function=say>{"text": "hi"}',
        f"```json\n{SAY}\n```",
        f"```tool_call\n[{SAY}]\n```\n",
        f"```\n{SAY}\n```",
        f"```json {SAY}```",
        f"```json\r\n{SAY}",
        f"```xml\n{TAGGED}\n```",
        SAY,
        f"\n[ {SAY} ]",
        f"{SAY}\n</tool_call>",
        '{"arguments": {"text": "hi"}, "name": "say"}',
        '{"name": "say", "arguments": "{\\"text\\": \\"hi\\"}"}',
        '{"type": "function", "id": "x", "name": "say", "parameters": {"text": "hi"}}',
        '{"type": "function", "function": {"name": "say", "arguments": {"text": "hi"}}}',
        '{"function": "say", "args": {"text": "hi"}}',
        '{"tool": "say", "input": {"text": "hi"}}',
        '{"tool_name": "say", "input": "{\\"text\\": \\"hi\\"}"}',
        '<tool_call>{"name": "say", "arguments": {"text": "hi",},}</tool_call>',
        "<tool_call>{'name': 'say', 'arguments': {'text': 'hi'}}</tool_call>",
        '<tool_call>{"name": "say", "arguments": {"text": "hi"}\n</tool_call>',
        '<tool_call>{"name": "say", "arguments": {"text": "hi"}',
        '<tool_call>{"name": "say", "arguments": {"text": "hi"}}}</tool_call>',
    ],
)
def test_every_way_to_write_a_call_is_read(answer):
    check(answer, "", [SAID])


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ("", {}),
        (', "arguments": null', {}),
        (', "arguments": {"a": "}]</tool_call>{["}', {"a": "}]</tool_call>{["}),
        (', "arguments": {"a": "\\" \\\\"}', {"a": '" \\'}),
        (', "arguments": {"a": "it\'s", "b": [[{"c": {}}]]}', {"a": "it's", "b": [[{"c": {}}]]}),
        (', "arguments": {"a": "one\ntwo"}', {"a": "one\ntwo"}),
        (', "arguments": {"a": True, "b": None, "c": False}', {"a": True, "b": None, "c": False}),
        (', "arguments": {"a": "True, ]"}', {"a": "True, ]"}),
        (', "arguments": {"é": "東京 😀"}', {"é": "東京 😀"}),
    ],
)
def test_arguments_are_read_as_they_are_meant(arguments, read):
    check(f'<tool_call>{{"name": "say"{arguments}}}</tool_call>', "", [("say", read)])


def test_single_quotes_may_hold_both_quotes():
    answer = """<tool_call>{'name': 'say', 'arguments': {'a': 'it\\'s "it"'}}</tool_call>"""
    check(answer, "", [("say", {"a": 'it\'s "it"'})])


def test_arguments_come_out_compact_with_letters_as_they_are():
    [delta] = PromptedTools(NAMES, forced=None, parallel=True).feed(
        Delta('<tool_call>{"name": "say", "arguments": { "a": [1, "\\u00e9"] }}</tool_call>')
    )
    assert delta.tool_fragments[0].arguments == '{"a":[1,"é"]}'


def test_half_a_surrogate_pair_stays_an_escape():
    answer = '<tool_call>{"name": "say", "arguments": {"a": "\\ud83d"}}</tool_call>'
    [delta] = PromptedTools(NAMES, forced=None, parallel=True).feed(Delta(answer))
    assert delta.tool_fragments[0].arguments == '{"a":"\\ud83d"}'


OTHER = '{"name": "weather", "parameters": {}}'
BOTH = [SAID, ("weather", {})]


@pytest.mark.parametrize(
    "answer",
    [
        f"{TAGGED}\n<tool_call>{OTHER}</tool_call>",
        f"<tool_call>{SAY}\n{OTHER}</tool_call>",
        f"<tool_call>[{SAY}, {OTHER}]</tool_call>",
        f"<tool_call>{SAY}\n<tool_call>{OTHER}</tool_call>",
        f"[TOOL_CALLS] [{SAY}, {OTHER}]",
        f"<|python_tag|>{SAY}; {OTHER}",
        f"{SAY}; {OTHER}",
        f"{SAY}\n{OTHER}",
        f"```json\n{SAY}\n{OTHER}\n```",
        f"```json\n{SAY}\n```\n```json\n{OTHER}\n```",
        '<function=say>{"text": "hi"}</function><function=weather></function>',
    ],
)
def test_several_calls_are_read(answer):
    check(answer, "", BOTH)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (f"Sure.\n{TAGGED}\n\nDone.", "Sure.\nDone."),
        (f"Sure. {TAGGED}", "Sure. "),
        (f"{TAGGED}\n\nDone.\n", "Done.\n"),
        (f"Sure.{TAGGED}\nDone.", "Sure.\nDone."),
        (f"  Sure.\n\n{SAY}\nDone.", "  Sure.\n\nDone."),
        (f"Sure:\n```json\n{SAY}\n```\nDone.", "Sure:\nDone."),
        (f"{TAGGED}, or so", ", or so"),
        (f"<b>Sure</b> {TAGGED}", "<b>Sure</b> "),
        (f'{{"a": 1}}\n{SAY}', '{"a": 1}\n'),
        (f"```python\nx = 1\n```\n{SAY}", "```python\nx = 1\n```\n"),
        (f"<think>Hm.</think>\n{SAY}", "<think>Hm.</think>\n"),
        (f"<think>{TAGGED}</thin </think>{SAY}", f"<think>{TAGGED}</thin </think>"),
        (f"<tool_call>none</tool_call>{TAGGED}", "<tool_call>none</tool_call>"),
        (f"{{unclosed\n\n{SAY}", "{unclosed\n\n"),
        (f'<tool_call>{SAY}\n{{"no": "call"}}</tool_call>', '{"no": "call"}'),
    ],
)
def test_text_around_a_call_stays(answer, text):
    check(answer, text, [SAID])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "Just words.\n\nAnd more. ",
        "a < b, b > c, <b>bold</b>, 1 <= 2, <",
        "[1] a list, [x](y), [TOOL",
        "<tool",
        "<tool_call>",
        "<tool_call>\n",
        "<tool_callous>{}",
        "The `<tool_call>` tag, and <tool_call> again.",
        '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>',
        '<tool_call>{"name": "say", "arguments": {"text": "h',
        '<tool_call>{"name": "say"',
        '<tool_call>{"name": "say", "arguments": {"text": "say "hi""}}</tool_call> then',
        '<tool_call>{"name": "say", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "say", "arguments": {"a": NaN}}</tool_call>',
        '<tool_call>{"a": 1}</tool_call>',
        "<tool_call></tool_call>",
        f"<tools>\n{SIGNATURE}\n</tools>",
        "<|python_tag|>print(1)",
        "<function=say>",
        "<function=say>text</function>",
        '<function=say>{"a": {"b": 1}',
        "```python\nprint({'name': 'say'})\n```\nDone.",
        f"```python\n{SAY}\n{TAGGED}\n```\n",
        f"````\n```json\n{SAY}\n```\n````\n",
        f"```json\n{SAY}\nis how\n```\n",
        f"```json\n// so\n{SAY}\n```\n",
        f"```json\n{SAY}\n<b>\n```\n",
        "```json\n{}\n```\n",
        "```\n```\n",
        "``x`` and ```y``` and `",
        '{"name": "nobody", "arguments": {}}',
        '```json\n{"name": "nobody", "arguments": {}}\n```',
        f'[{SAY}, {{"name": "nobody"}}]',
        '{"name": "say", "born": 1815}',
        '{"answer": {"name": "say", "arguments": {}}}',
        f'{{"calls": [\n{SAY}\n]}}',
        f"[\n1,\n{SAY}\n]",
        '{"input": "not {json}", "name": "say"}',
        '{"type": "object", "name": "say"}',
        '{"name": 1}',
        "{}",
        "[]",
        "{{name}}\n{x}\n{",
        f"Mid-line {SAY}",
        f"<think>{TAGGED}</think>",
        f"<think>\n{SAY}\n",
        '{"name":\n"say',
    ],
)
def test_what_is_no_call_comes_out_exactly(text):
    check(text, text, [])


def test_an_unknown_name_is_a_call_only_in_a_tag():
    unknown = '{"name": "nobody", "arguments": {}}'
    check(f"<tool_call>{unknown}</tool_call>", "", [("nobody", {})])


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000])
def test_bottomless_nesting_is_no_call(deep):
    answer = f'<tool_call>{{"name": "say", "arguments": {deep}</tool_call>'
    assert summary(deltas([answer])) == (answer, [])


# When things come out.


def test_text_without_markers_passes_as_the_same_object_at_once():
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    for text in ("Hello", " wor", "ld.\n\n", "  More", "", "é😀"):
        delta = Delta(text, raw={"text": text})
        assert tools.feed(delta)[0] is delta
    assert tools.close() == []


@pytest.mark.parametrize(
    ("pieces", "held"),
    [
        (["a <", " b"], ["<", ""]),
        (["<tool", "s_"], ["<tool", ""]),
        (['{"an', 'swer"', ": 1"], ['{"an', "", ""]),
        (['{"name": "No', 'body"'], ['{"name": "No', ""]),
        (['{"type": "obj', 'ect"'], ['{"type": "obj', ""]),
        (["{ ", "x"], ["{ ", ""]),
        (["[", "1"], ["[", ""]),
        (["```", "py"], ["```", ""]),
        (["```json\n", "{", '"a"'], ["```json\n", "```json\n{", ""]),
        (["<think>", '{"name": "say"', "<tool_call>{"], ["", "", ""]),
        (["```c\n", "<tool_call>{"], ["", ""]),
    ],
)
def test_only_what_may_be_a_call_is_held_and_no_longer_than_that(pieces, held):
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    said = given_out = ""
    for piece, expected in zip(pieces, held, strict=True):
        said += piece
        given_out += "".join(delta.text for delta in tools.feed(Delta(piece)))
        assert said == given_out + expected
    assert given_out + "".join(delta.text for delta in tools.close()) == said


def test_a_call_comes_as_soon_as_its_block_is_complete():
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    assert tools.feed(Delta(TAGGED[:-1])) == []
    [delta] = tools.feed(Delta(TAGGED[-1]))
    assert delta.tool_fragments[0].name == "say"
    [delta] = tools.feed(Delta(SAY))
    assert delta.tool_fragments[0].index == 1


# What deltas hold beside text.

USAGE = Usage(1, 2, 3)


def ending(reason="stop"):
    return Delta(finish_reason=reason, usage=USAGE, metadata={"id": "1"}, raw={"last": True})


@pytest.mark.parametrize(
    ("reason", "shown"), [("stop", "tool_calls"), ("length", "length"), (None, "tool_calls")]
)
@pytest.mark.parametrize("answer", [TAGGED, TAGGED + "\n", TAGGED[:-3], SAY])
def test_an_answer_with_calls_ends_with_tool_calls(answer, reason, shown):
    for pieces in chunkings(answer):
        tools = PromptedTools(NAMES, forced=None, parallel=True)
        out = [out for piece in pieces for out in tools.feed(Delta(piece))]
        out += tools.feed(ending(reason)) + tools.close()
        finish = [delta.finish_reason for delta in out if delta.finish_reason]
        assert finish == [shown]
        assert out[-1].finish_reason == shown
        assert [delta.usage for delta in out if delta.usage] == [USAGE]
        assert [delta.metadata for delta in out if delta.metadata] == [{"id": "1"}]
        assert [delta.raw for delta in out if delta.raw] == [{"last": True}]


def test_without_a_call_the_end_stays_and_waits_for_held_text():
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    out = tools.feed(Delta("a ")) + tools.feed(Delta("<tool")) + tools.feed(ending())
    assert [delta.text for delta in out] == ["a ", ""]
    assert out[1] == Delta(raw={"last": True})
    [last] = tools.close()
    assert last == Delta("<tool", finish_reason="stop", usage=USAGE, metadata={"id": "1"})
    assert tools.close() == []


def test_the_end_passes_as_the_same_object_when_nothing_is_held():
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    tools.feed(Delta("a"))
    end = ending()
    assert tools.feed(end)[0] is end
    assert tools.close() == []


def test_an_answer_in_one_delta_keeps_everything_in_order():
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    delta = Delta(
        f"Sure. {TAGGED} Done.",
        reasoning="Hm.",
        finish_reason="stop",
        usage=USAGE,
        index=2,
        logprobs={"content": []},
        metadata={"id": "1"},
        raw={"all": 1},
    )
    first, second, third = [*tools.feed(delta), *tools.close()]
    assert first == Delta(
        "Sure. ", reasoning="Hm.", index=2, logprobs={"content": []}, raw={"all": 1}
    )
    assert second == Delta(
        tool_fragments=(ToolFragment(0, second.tool_fragments[0].id, "say", '{"text":"hi"}'),),
        index=2,
    )
    assert third == Delta(
        "Done.", finish_reason="tool_calls", usage=USAGE, index=2, metadata={"id": "1"}
    )
    assert delta.finish_reason == "stop"


def test_what_came_with_held_text_comes_once():
    tools = PromptedTools(NAMES, forced=None, parallel=True)
    out = [
        out
        for number, char in enumerate(TAGGED)
        for out in tools.feed(Delta(char, raw=number + 1, logprobs={"n": number}))
    ]
    assert [delta.raw for delta in out] == list(range(1, len(TAGGED) + 1))
    assert [delta.logprobs["n"] for delta in out] == list(range(len(TAGGED)))


# What was asked for.


def test_without_parallel_calls_only_the_first_is_given():
    check(f"{TAGGED}\n<tool_call>{OTHER}</tool_call>\nDone.", "Done.", [SAID], parallel=False)


@pytest.mark.parametrize("forced", ["required", Named("say")])
def test_a_forced_call_holds_text_until_it_comes(forced):
    tools = PromptedTools(NAMES, forced=forced, parallel=True)
    assert tools.feed(Delta("Let me ")) == tools.feed(Delta("see. ")) == []
    assert tools.missing
    assert tools.text_held == "Let me see. "
    first, second = tools.feed(Delta(TAGGED))
    assert (first.text, second.tool_fragments[0].name) == ("Let me see. ", "say")
    assert not tools.missing
    assert tools.text_held == ""
    after = Delta("Done.")
    assert tools.feed(after)[0] is after


@pytest.mark.parametrize("forced", ["required", Named("say")])
def test_a_forced_call_that_does_not_come_is_missing(forced):
    tools = PromptedTools(NAMES, forced=forced, parallel=True)
    out = [*tools.feed(Delta("It is ")), *tools.feed(Delta("<noon")), *tools.feed(ending())]
    out += tools.close()
    assert tools.missing
    assert tools.text_held == "It is <noon"
    assert "".join(delta.text for delta in out) == ""
    assert [delta.finish_reason for delta in out if delta.finish_reason] == ["stop"]
    assert [delta.usage for delta in out if delta.usage] == [USAGE]


def test_a_call_of_another_function_is_not_the_forced_one():
    answer = f"Hm. <tool_call>{OTHER}</tool_call>"
    check(answer, "", [], forced=Named("say"))
    check(f"{answer} {TAGGED}<tool_call>{OTHER}</tool_call>", "Hm. ", [SAID], forced=Named("say"))
    tools = PromptedTools(NAMES, forced=Named("say"), parallel=False)
    tools.feed(Delta(answer))
    assert (tools.missing, tools.text_held) == (True, answer)


@pytest.mark.parametrize("free", [None, "auto", "none"])
def test_a_call_that_is_not_forced_is_never_missing(free):
    tools = PromptedTools(NAMES, forced=free, parallel=True)
    assert [delta.text for delta in tools.feed(Delta("Hi"))] == ["Hi"]
    assert not tools.missing


# Any answer, any pieces.

PIECES = st.sampled_from(
    [
        *["Sure. ", "\n", "\n\n", " ", "a < b", "{", "}", "[", "]", '"', "'", "`", "```", "<", ","],
        *["```json\n", "```python\n", "\n```\n", "<tool_call>", "</tool_call>", "<tools>", ";"],
        *["[TOOL_CALLS]", "<|python_tag|>", "<function=say>", "</function>", "<think>", "\\"],
        *["</think>", SAY, OTHER, TAGGED, f"[{SAY}]", '{"a": [1]}', '{"name": "x"}', "</tool"],
        *['{"type": "function", ', "é😀", "{'name': 'say'}", f"```\n{SAY}\n```"],
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.data())
def test_it_makes_no_difference_how_an_answer_is_cut(answer, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(answer)), max_size=20)))
    pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    whole = summary(deltas([answer]))
    assert summary(deltas(pieces)) == whole
    assert summary(deltas(list(answer))) == whole


@given(st.text(alphabet="ab \n.<>[]{}`'\",:;é", max_size=40))
def test_text_without_calls_comes_out_as_it_went_in(text):
    check(text, text, [])


@pytest.mark.parametrize(
    "answer",
    [
        f'<tool_call>{{"name": "say", "arguments": {{"a": "{"x{é<b> " * 28_000}"}}}}</tool_call>',
        "<" * 200_000,
        "{" * 200_000,
        "\n```" * 50_000,
        '<tool_call>{"' * 15_000,
        "<tool_call>" + " " * 200_000,
        '{"arguments": "{' + "'" * 200_000,
        "```json\n" + "{}" * 100_000,
        "plain words " * 17_000,
    ],
)
def test_the_cost_grows_with_the_length_only(answer):
    pieces = [answer[at : at + 5] for at in range(0, len(answer), 5)]
    begin = time.process_time()
    text, calls = summary(deltas(pieces))
    assert time.process_time() - begin < 2  # takes a few tenths; squared cost takes minutes
    assert bool(calls) != bool(text)


@pytest.mark.parametrize("forced", ["required", Named("say")])
def test_a_call_to_no_known_function_is_not_the_one_that_is_forced(forced):
    tools = PromptedTools({"say"}, forced=forced, parallel=True)
    given = [
        *tools.feed(Delta('<tool_call>{"name": "sing", "arguments": {}}</tool_call>')),
        *tools.close(),
    ]
    assert tools.missing
    assert not any(delta.text or delta.tool_fragments for delta in given)
