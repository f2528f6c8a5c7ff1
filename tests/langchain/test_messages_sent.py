"""Messages of every type, as each service gets them."""

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
)

from .chat_peer import ATOMA, DEPLOYMENT, EMISSARY, ORQ, PLAYED, Peer, Played, answer, messages_of

PLAIN = {
    "str": ("Hello", {"role": "user", "content": "Hello"}),
    "tuple": (("human", "Hello"), {"role": "user", "content": "Hello"}),
    "dict": ({"role": "user", "content": "Hello"}, {"role": "user", "content": "Hello"}),
    "human": (HumanMessage("Hello"), {"role": "user", "content": "Hello"}),
    "human chunk": (HumanMessageChunk(content="Hello"), {"role": "user", "content": "Hello"}),
    "strings": (
        HumanMessage(["Hello", "you"]),
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "you"}],
        },
    ),
    "one text": (
        HumanMessage([{"type": "text", "text": "Hello"}]),
        {"role": "user", "content": "Hello"},
    ),
    "nothing": (HumanMessage([]), {"role": "user", "content": ""}),
    "named": (
        HumanMessage("Hello", name="Ann"),
        {"role": "user", "content": "Hello", "name": "Ann"},
    ),
    "system": (SystemMessage("Be brief."), {"role": "system", "content": "Be brief."}),
    "developer": (
        SystemMessage("Be brief.", additional_kwargs={"__openai_role__": "developer"}),
        {"role": "developer", "content": "Be brief."},
    ),
    "developer dict": (
        {"role": "developer", "content": "Be brief."},
        {"role": "developer", "content": "Be brief."},
    ),
    "chat": (ChatMessage("Hello", role="user"), {"role": "user", "content": "Hello"}),
    "assistant": (AIMessage("Hi"), {"role": "assistant", "content": "Hi"}),
    "assistant named": (
        AIMessage("Hi", name="bot"),
        {"role": "assistant", "content": "Hi", "name": "bot"},
    ),
    "assistant chunk": (AIMessageChunk(content="Hi"), {"role": "assistant", "content": "Hi"}),
    "assistant empty": (AIMessage(""), {"role": "assistant", "content": ""}),
    "refusal": (
        AIMessage("", additional_kwargs={"refusal": "No."}),
        {"role": "assistant", "content": "", "refusal": "No."},
    ),
}


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("case", PLAIN)
def test_a_message_goes_out_as_the_service_documents_it(played: Played, case: str) -> None:
    given, expected = PLAIN[case]
    if played is ATOMA and expected["role"] == "developer":  # which Atoma's documents do not have
        expected = expected | {"role": "system"}
    assert messages_of(played, given) == [expected]


FLAT = {
    "developer": ("system", "Be brief."),
    "named": ("user", "Ann: Hello"),
    "strings": ("user", "Hello\nyou"),
    "assistant named": ("assistant", "Hi"),
    "refusal": ("assistant", "No."),
}


@pytest.mark.parametrize("played", [EMISSARY, DEPLOYMENT], ids=["current", "deployment"])
@pytest.mark.parametrize("case", PLAIN)
def test_emissary_gets_three_roles_and_plain_text(played: Played, case: str) -> None:
    given, expected = PLAIN[case]
    role, text = FLAT.get(case, (expected["role"], expected["content"]))
    expected_role = "system" if case == "developer dict" else role
    assert messages_of(played, given) == [{"role": expected_role, "content": text}]


REFUSED = {
    "removal": RemoveMessage(id="1"),
    "function message without a call": FunctionMessage(content="14 C", name="weather"),
    "unknown role": ChatMessage("Hello", role="critic"),
}


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_turn_is_refused_before_any_request(played: Played, case: str) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match=r"sent|answers no tool call|no 'critic' messages"):
        played.model(peer).invoke([HumanMessage("Hi"), REFUSED[case]])
    assert peer.requests == []


def test_no_messages_at_all_are_refused_before_any_request() -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match="at least one message"):
        ORQ.model(peer).invoke([])
    assert peer.requests == []


@pytest.mark.parametrize(
    ("played", "provider", "extra"),
    [
        (ORQ, "orq", {"reasoning_content": "Bohemia."}),
        (ATOMA, "atoma", {}),
        (ORQ, "atoma", {}),
        (ORQ, "openai", {}),
    ],
)
def test_reasoning_goes_back_to_where_it_came_from_only(
    played: Played, provider: str, extra: Any
) -> None:
    turn = AIMessage(
        "The Vltava.",
        additional_kwargs={"reasoning_content": "Bohemia."},
        response_metadata={"model_provider": provider},
    )
    assert messages_of(played, turn, "Sure?")[0] == {
        "role": "assistant",
        "content": "The Vltava.",
        **extra,
    }


SIGNED = [
    {"type": "reasoning", "reasoning": "Bohemia.", "signature": "EqQ="},
    {"type": "redacted_reasoning", "data": "xyz"},
    {"type": "text", "text": "The Vltava."},
]


@pytest.mark.parametrize(
    "turn",
    [
        AIMessage(
            "The Vltava.",
            additional_kwargs={
                "reasoning_content": "Bohemia.",
                "reasoning_signature": "EqQ=",
                "redacted_reasoning": "xyz",
            },
        ),
        AIMessage(
            [
                {"type": "reasoning", "reasoning": "Bohemia.", "extras": {"signature": "EqQ="}},
                {"type": "text", "text": "The Vltava.", "index": "lc_txt", "annotations": []},
            ],
            additional_kwargs={"redacted_reasoning": "xyz"},
            response_metadata={"output_version": "v1", "model_provider": "orq"},
        ),
    ],
    ids=["v0", "v1"],
)
def test_signed_reasoning_goes_back_to_orq_as_its_parts(turn: AIMessage) -> None:
    assert messages_of(ORQ, turn, "Sure?")[0] == {"role": "assistant", "content": SIGNED}


@pytest.mark.parametrize(("provider", "extra"), [("orq", {"audio": {"id": "a-1"}}), ("openai", {})])
def test_a_spoken_answer_goes_back_by_its_id_to_where_it_came_from(
    provider: str, extra: Any
) -> None:
    turn = AIMessage(
        "Hi",
        additional_kwargs={"audio": {"id": "a-1", "data": "UklG"}},
        response_metadata={"model_provider": provider},
    )
    assert messages_of(ORQ, turn, "Hm?")[0] == {"role": "assistant", "content": "Hi"} | extra
