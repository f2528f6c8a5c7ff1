"""Messages in: what each becomes, and what is refused."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from emissary_transport import ATOMA, EMISSARY, ORQ, Reasoning
from llamaindex.peer import Peer, model, whole
from llamaindex_emissary.messages import to_messages

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def sent(service: str, *messages: ChatMessage) -> list[dict[str, Any]]:
    peer = Peer(whole())
    model(service, peer).chat(list(messages))
    return list(peer.body["messages"])


@pytest.mark.parametrize(
    ("role", "becomes"),
    [
        ("system", "system"),
        ("developer", "developer"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("chatbot", "assistant"),
        ("model", "assistant"),
    ],
)
def test_roles(role: str, becomes: str) -> None:
    assert to_messages(ORQ, [ChatMessage(role=role, content="x")])[0].role == becomes


def test_text_is_a_string_in_every_role() -> None:
    two = [TextBlock(text="a"), TextBlock(text="b")]
    for role in ("system", "user", "assistant"):
        [message] = sent("orq", ChatMessage(role=role, blocks=two))
        assert message == {"role": role, "content": "a\nb"}


def test_images_by_bytes_path_and_url(tmp_path: Any) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(PNG)
    blocks = [
        TextBlock(text="look"),
        ImageBlock(image=PNG),
        ImageBlock(path=path),
        ImageBlock(url="https://x.test/a.png", detail="low"),
    ]
    for service in ("orq", "atoma"):
        [message] = sent(service, ChatMessage(role="user", blocks=blocks))
        assert message["content"] == [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": PNG_URL}},
            {"type": "image_url", "image_url": {"url": PNG_URL}},
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
        ]


def test_sound_and_files_where_the_service_takes_them() -> None:
    message = ChatMessage(
        role="user",
        blocks=[
            AudioBlock(audio=b"RIFF\x00\xff WAVE", format="wav"),
            DocumentBlock(data=b"%PDF-1.4", title="a.pdf", document_mimetype="application/pdf"),
            DocumentBlock(url="https://x.test/b.pdf", title="b.pdf"),
        ],
    )
    sound, paper, link = sent("orq", message)[0]["content"]
    assert sound["input_audio"]["format"] == "wav"
    assert base64.b64decode(sound["input_audio"]["data"]) == b"RIFF\x00\xff WAVE"
    assert paper["file"]["filename"] == "a.pdf"
    assert paper["file"]["file_data"].startswith("data:application/pdf;base64,")
    assert link["file"] == {"uri": "https://x.test/b.pdf", "filename": "b.pdf"}
    with pytest.raises(ValueError, match="Atoma takes no 'input_audio'"):
        sent("atoma", message)


@pytest.mark.parametrize("service", ["emissary", "deployment"])
def test_emissary_takes_no_images(service: str) -> None:
    message = ChatMessage(role="user", blocks=[TextBlock(text="a"), ImageBlock(image=PNG)])
    with pytest.raises(ValueError, match="takes no 'image_url' content"):
        sent(service, message)


@pytest.mark.parametrize(
    "block",
    [
        VideoBlock(url="https://x.test/a.mp4"),
        CitableBlock(title="a", source="b", content=[TextBlock(text="c")]),
        AudioBlock(url="https://x.test/a.wav"),
    ],
)
def test_what_cannot_be_sent_is_an_error(block: Any) -> None:
    with pytest.raises(ValueError, match=f"{type(block).__name__} can't be sent"):
        sent("orq", ChatMessage(role="user", blocks=[block]))


def test_cache_points_stand_beside_the_part_before_them() -> None:
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    message = ChatMessage(role="user", blocks=[TextBlock(text="long"), point, TextBlock(text="q")])
    assert sent("orq", message)[0]["content"] == [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
        {"type": "text", "text": "q"},
    ]
    for service in (ATOMA, EMISSARY):
        with pytest.raises(ValueError, match="takes no CachePoint"):
            to_messages(service, [message])


def test_thoughts_go_back_only_if_the_provider_signed_them() -> None:
    plain = ThinkingBlock(content="hm")
    signed = ThinkingBlock(content="hm", additional_information={"signature": "s"})

    def told(block: ThinkingBlock) -> Any:
        message = ChatMessage(role="assistant", blocks=[block, TextBlock(text="42")])
        [turn] = to_messages(ORQ, [message])
        return turn.reasoning, turn.content

    assert told(plain) == (None, "42")
    assert told(signed) == (Reasoning("hm", "s"), "42")


CALL = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1, "b": 2})


def test_a_call_and_its_result() -> None:
    messages = [
        ChatMessage(role="user", content="1+2?"),
        ChatMessage(role="assistant", blocks=[TextBlock(text=""), CALL]),
        ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c1"}),
    ]
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'},
    }
    for service in ("orq", "atoma"):
        _, said, result = sent(service, *messages)
        assert said["tool_calls"] == [call]
        assert said.get("content", "") == ""
        assert ("content" in said) is (service == "atoma")
        assert result == {"role": "tool", "content": "3", "tool_call_id": "c1"}
    _, said, result = sent("emissary", *messages)
    assert said["role"] == "assistant"
    assert "<tool_call>" in said["content"]
    assert result["role"] == "user"
    assert "<tool_response>" in result["content"]


@pytest.mark.parametrize(
    "listed",
    [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
        SimpleNamespace(id="c1", function=SimpleNamespace(name="add", arguments='{"a": 1}')),
    ],
)
def test_calls_from_older_integrations(listed: Any) -> None:
    message = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [listed]})
    [turn] = to_messages(ORQ, [message])
    [call] = turn.tool_calls
    assert (call.id, call.name, call.arguments) == ("c1", "add", '{"a": 1}')


def test_both_forms_of_one_call_are_one_call_with_its_signature() -> None:
    listed = {
        "id": "c1",
        "function": {"name": "add", "arguments": '{"a":1,"b":2}'},
        "thought_signature": "s",
    }
    message = ChatMessage(
        role="assistant", blocks=[CALL], additional_kwargs={"tool_calls": [listed]}
    )
    [turn] = to_messages(ORQ, [message])
    [call] = turn.tool_calls
    assert (call.id, call.thought_signature) == ("c1", "s")


def test_a_call_without_id_and_its_result_find_each_other() -> None:
    anonymous = ToolCallBlock(tool_name="add", tool_kwargs={})
    said, result = to_messages(
        ORQ,
        [
            ChatMessage(role="assistant", blocks=[anonymous]),
            ChatMessage(role="tool", content="3"),
        ],
    )
    assert result.tool_call_id == said.tool_calls[0].id != ""


@pytest.mark.parametrize("service", ["orq", "atoma", "emissary"])
def test_a_result_whose_call_was_forgotten_is_not_sent_as_a_result(service: str) -> None:
    [message] = sent(
        service, ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "gone"})
    )
    assert message["role"] == "user"
    assert message["content"].endswith("3")


def test_messages_are_left_as_they_were() -> None:
    messages = [
        ChatMessage(role="user", content="hi"),
        ChatMessage(role="assistant", blocks=[TextBlock(text="x"), CALL]),
    ]
    before = [message.model_copy(deep=True) for message in messages]
    sent("orq", *messages)
    assert messages == before
