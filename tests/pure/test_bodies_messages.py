"""Messages into what each service takes: roles, parts, turns of tools."""

from dataclasses import replace

import pytest

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_NATIVE,
    ORQ,
    Message,
    Reasoning,
)
from emissary_transport.service import call_body
from pure.documented import (
    CALLED,
    HI,
    IMAGE,
    RESULT,
    TOOL,
    body_of,
    call,
)

COMMON_ROLES = {"system", "developer", "user", "assistant"}
ROLES = [
    (ATOMA, COMMON_ROLES | {"tool"}),
    (ORQ, COMMON_ROLES | {"tool"}),
    (EMISSARY, COMMON_ROLES),
    (EMISSARY_DEPLOYMENT, COMMON_ROLES),
    (EMISSARY_NATIVE, COMMON_ROLES | {"tool"}),
]


@pytest.mark.parametrize(("service", "roles"), ROLES)
@pytest.mark.parametrize("role", [*COMMON_ROLES, "tool", "function"])
def test_roles(service, roles, role):
    message = Message(role, "hi", tool_call_id="c1")
    if role not in roles:
        with pytest.raises(ValueError, match=f"has no '{role}' messages"):
            call_body(service, call(message))
        return
    [sent] = call_body(service, call(message))["messages"]
    assert sent["content"] == "hi"
    has_no_developer = service is not ORQ and role == "developer"
    assert sent["role"] == ("system" if has_no_developer else role)


PARTS = {
    "image_url": IMAGE,
    "input_audio": {"type": "input_audio", "input_audio": {"data": "x", "format": "mp3"}},
    "file": {"type": "file", "file": {"file_data": "x", "filename": "a.pdf"}},
    "refusal": {"type": "refusal", "refusal": "No."},
    "video_url": {"type": "video_url", "video_url": {"url": "x"}},
}
TAKEN = [
    (
        ORQ,
        {
            ("user", "image_url"),
            ("user", "input_audio"),
            ("user", "file"),
            ("assistant", "refusal"),
        },
    ),
    (ATOMA, {(role, "image_url") for role in ("system", "user", "assistant", "tool")}),
    (EMISSARY, set()),
    (EMISSARY_DEPLOYMENT, set()),
]


@pytest.mark.parametrize(("service", "taken"), TAKEN)
@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_parts(service, taken, kind, role):
    text = {"type": "text", "text": "look"}
    message = Message(role, (text, PARTS[kind]), tool_call_id="c1")
    if (role, kind) in taken:
        [sent] = body_of(service, message)["messages"]
        assert sent["content"] == [text, PARTS[kind]]
    elif role in service.parts:
        with pytest.raises(ValueError, match=f"takes no '{kind}' content in {role} messages"):
            body_of(service, message)


@pytest.mark.parametrize("service", [EMISSARY, EMISSARY_DEPLOYMENT, EMISSARY_NATIVE])
def test_emissary_takes_plain_text_only(service):
    parts = ({"type": "text", "text": "one"}, {"type": "text", "text": "two"})
    sent = body_of(service, Message("developer", parts), Message("user", "hi", name="Ann"))
    assert sent["messages"] == [
        {"role": "system", "content": "one\ntwo"},
        {"role": "user", "content": "Ann: hi"},
    ]


def test_the_native_tools_of_emissary_are_plain_text_too():
    parts = ({"type": "text", "text": "one"}, {"type": "text", "text": "two"})
    sent = body_of(EMISSARY_NATIVE, HI, CALLED, replace(RESULT, content=parts), tools=(TOOL,))
    assert sent["messages"][2]["content"] == "one\ntwo"
    assert sent["tools"] == [TOOL]


@pytest.mark.parametrize("service", [ATOMA, ORQ])
def test_names_go_out_except_with_tools(service):
    named = [Message(role, "x", name="AI expert") for role in ("system", "user", "assistant")]
    sent = body_of(service, *named, RESULT)["messages"]
    assert [message.get("name") for message in sent] == [*3 * ["AI expert"], None]


SENT_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Brno"}'},
}


@pytest.mark.parametrize(
    ("service", "turn"),
    [
        (ATOMA, {"role": "assistant", "content": "", "tool_calls": [SENT_CALL]}),
        (ORQ, {"role": "assistant", "tool_calls": [SENT_CALL]}),
        (EMISSARY_NATIVE, {"role": "assistant", "tool_calls": [SENT_CALL]}),
    ],
)
@pytest.mark.parametrize("empty", ["", ()])
def test_a_turn_of_tool_calls_only(service, turn, empty):
    sent = body_of(service, HI, replace(CALLED, content=empty), RESULT, tools=(TOOL,))
    assert sent["messages"][1:] == [
        turn,
        {"role": "tool", "content": "14 C", "tool_call_id": "c1"},
    ]


@pytest.mark.parametrize("service", [ATOMA, ORQ, EMISSARY, EMISSARY_DEPLOYMENT, EMISSARY_NATIVE])
@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("empty", ["", ()])
def test_content_is_never_absent_or_a_list_of_nothing(service, role, empty):
    assert body_of(service, Message(role, empty))["messages"] == [{"role": role, "content": ""}]


def test_what_orq_takes_beside_an_assistants_text():
    thought = Message("assistant", "hi", reasoning=Reasoning("hm"), refusal="no", audio_id="a1")
    [sent] = body_of(ORQ, thought)["messages"]
    assert sent == {
        "role": "assistant",
        "content": "hi",
        "reasoning_content": "hm",
        "refusal": "no",
        "audio": {"id": "a1"},
    }
    signed = replace(CALLED, content="hi", reasoning=Reasoning("hm", "sig", "red"))
    signed = replace(signed, tool_calls=(replace(signed.tool_calls[0], thought_signature="ts"),))
    [sent] = body_of(ORQ, signed)["messages"]
    assert sent["content"] == [
        {"type": "reasoning", "reasoning": "hm", "signature": "sig"},
        {"type": "redacted_reasoning", "data": "red"},
        {"type": "text", "text": "hi"},
    ]
    assert sent["tool_calls"] == [SENT_CALL | {"thought_signature": "ts"}]
    result = replace(RESULT, cache_control={"type": "ephemeral"})
    assert body_of(ORQ, result)["messages"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize("service", [ATOMA, EMISSARY, EMISSARY_NATIVE])
def test_reasoning_stays_here_where_there_is_no_place_for_it(service):
    message = Message("assistant", "hi", reasoning=Reasoning("hm", "sig"))
    assert body_of(service, message)["messages"] == [{"role": "assistant", "content": "hi"}]
