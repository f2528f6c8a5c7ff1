"""Content blocks of every generation, as each service gets them."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from .chat_peer import ATOMA, DEPLOYMENT, EMISSARY, ORQ, PLAYED, Peer, Played, answer, sent

PNG = "iVBORw0KGgo="
URL = "https://example.com/cat.png"
DATA_URL = f"data:image/png;base64,{PNG}"


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


IMAGES = {
    "image_url": (image(URL, detail="low"), image(URL, detail="low")),
    "image_url string": ({"type": "image_url", "image_url": URL}, image(URL)),
    "image_url data": (image(DATA_URL), image(DATA_URL)),
    "v0 url": ({"type": "image", "source_type": "url", "url": URL}, image(URL)),
    "v0 base64": (
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
        image(DATA_URL),
    ),
    "v1 url": ({"type": "image", "url": URL}, image(URL)),
    "v1 base64": ({"type": "image", "base64": PNG, "mime_type": "image/png"}, image(DATA_URL)),
    "v1 detail": (
        {"type": "image", "url": URL, "extras": {"detail": "low"}},
        image(URL, detail="low"),
    ),
    "anthropic base64": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        image(DATA_URL),
    ),
    "anthropic url": ({"type": "image", "source": {"type": "url", "url": URL}}, image(URL)),
}


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("form", IMAGES)
def test_an_image_of_any_form_is_an_image_url(played: Played, form: str) -> None:
    given, expected = IMAGES[form]
    message = HumanMessage([{"type": "text", "text": "What is it?"}, given])
    assert sent(played, [message])["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        expected,
    ]


@pytest.mark.parametrize("played", [EMISSARY, DEPLOYMENT], ids=["current", "deployment"])
@pytest.mark.parametrize("form", IMAGES)
def test_emissary_refuses_images_before_any_request(played: Played, form: str) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match=r"Emissary.* takes no 'image_url' content"):
        played.model(peer).invoke([HumanMessage([IMAGES[form][0]])])
    assert peer.requests == []


MEDIA = {
    "audio v1": (
        {"type": "audio", "base64": "UklG", "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ),
    "audio v0": (
        {"type": "audio", "source_type": "base64", "data": "SUQz", "mime_type": "audio/mpeg"},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
    ),
    "audio openai": (
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ),
    "file v1": (
        {
            "type": "file",
            "base64": "JVBE",
            "mime_type": "application/pdf",
            "extras": {"filename": "a.pdf"},
        },
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
        },
    ),
    "file v0": (
        {
            "type": "file",
            "source_type": "base64",
            "data": "JVBE",
            "mime_type": "application/pdf",
            "filename": "a.pdf",
        },
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
        },
    ),
    "file url": (
        {"type": "file", "url": "https://example.com/a.pdf", "mime_type": "application/pdf"},
        {
            "type": "file",
            "file": {"uri": "https://example.com/a.pdf", "mimeType": "application/pdf"},
        },
    ),
    "file openai": (
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
        },
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
        },
    ),
    "file orq": (
        {"type": "file", "file": {"uri": "gs://b/a.pdf", "mimeType": "application/pdf"}},
        {"type": "file", "file": {"uri": "gs://b/a.pdf", "mimeType": "application/pdf"}},
    ),
    "text file url": (
        {"type": "text-plain", "url": "https://example.com/a.txt", "mime_type": "text/plain"},
        {"type": "file", "file": {"uri": "https://example.com/a.txt", "mimeType": "text/plain"}},
    ),
    "document anthropic": (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        },
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}},
    ),
    "document url": (
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "file", "file": {"uri": "https://example.com/a.pdf"}},
    ),
}


@pytest.mark.parametrize("form", MEDIA)
def test_orq_gets_sounds_and_papers_in_its_own_form(form: str) -> None:
    given, expected = MEDIA[form]
    content = sent(ORQ, [HumanMessage([given])])["messages"][0]["content"]
    assert content == [expected]


@pytest.mark.parametrize("name", ["atoma", "emissary", "deployment"])
@pytest.mark.parametrize("form", MEDIA)
def test_the_others_refuse_sounds_and_papers_before_any_request(name: str, form: str) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match=r"takes no '(input_audio|file)' content"):
        PLAYED[name].model(peer).invoke([HumanMessage([MEDIA[form][0]])])
    assert peer.requests == []


TEXTS = {
    "v1 text": {
        "type": "text",
        "text": "Hi",
        "id": "1",
        "index": 0,
        "extras": {},
        "annotations": [],
    },
    "plain text": {"type": "text-plain", "text": "Hi", "mime_type": "text/plain"},
    "v0 text file": {"type": "file", "source_type": "text", "url": "Hi"},
    "anthropic document": {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "Hi"},
    },
    "input_text": {"type": "input_text", "text": "Hi"},
    "output_text": {"type": "output_text", "text": "Hi"},
}


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("form", TEXTS)
def test_text_of_any_form_is_text_and_nothing_else(played: Played, form: str) -> None:
    message = sent(played, [HumanMessage([TEXTS[form]])])["messages"][0]
    assert message == {"role": "user", "content": "Hi"}


FILTERED = [
    {"type": "reasoning", "reasoning": "hm", "index": "lc_rs"},
    {"type": "thinking", "thinking": "hm", "signature": "x"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}},
    {"type": "tool_call", "id": "call_1", "name": "weather", "args": {}},
    {"type": "invalid_tool_call", "id": "call_1", "name": "weather", "args": "{", "error": "x"},
    {"type": "non_standard", "value": {"a": 1}},
    {"type": "server_tool_call", "id": "s", "name": "search", "args": {}},
    {"type": "server_tool_result", "tool_call_id": "s", "status": "success"},
]


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("block", FILTERED, ids=lambda block: block["type"])
def test_what_an_assistant_said_to_others_is_left_out(played: Played, block: Any) -> None:
    calls = [{"name": "weather", "args": {}, "id": "call_1", "type": "tool_call"}]
    turn = AIMessage(
        [block, {"type": "text", "text": "Hi"}],
        tool_calls=calls,
        response_metadata={"model_provider": "anthropic"},
    )
    result = ToolMessage(content="14 C", tool_call_id="call_1")
    message = sent(played, [turn, result])["messages"][0]
    assert message["content"] == "Hi"
    assert len(message["tool_calls"]) == 1


TOOL_CONTENT = {
    "text": ([{"type": "text", "text": "14 C"}], "14 C"),
    "strings": (
        ["14 C", "rain"],
        [{"type": "text", "text": "14 C"}, {"type": "text", "text": "rain"}],
    ),
    "none": ([], ""),
}


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("form", TOOL_CONTENT)
def test_a_tool_message_may_hold_a_list(played: Played, form: str) -> None:
    given, expected = TOOL_CONTENT[form]
    calls = [{"name": "weather", "args": {}, "id": "call_1", "type": "tool_call"}]
    history = [AIMessage("", tool_calls=calls), ToolMessage(content=given, tool_call_id="call_1")]
    message = sent(played, history)["messages"][1]
    assert message == {"role": "tool", "content": expected, "tool_call_id": "call_1"}


def test_atoma_takes_an_image_from_a_tool_and_orq_and_emissary_refuse_it() -> None:
    calls = [{"name": "draw", "args": {}, "id": "call_1", "type": "tool_call"}]
    drawn = ToolMessage(content=[IMAGES["v1 base64"][0]], tool_call_id="call_1")
    history = [AIMessage("", tool_calls=calls), drawn]
    assert sent(ATOMA, history)["messages"][1]["content"] == [image(DATA_URL)]
    for played in (ORQ, EMISSARY, DEPLOYMENT):
        peer = Peer([answer()])
        with pytest.raises(ValueError, match="image_url"):
            played.model(peer).invoke(history)
        assert peer.requests == []


def test_orq_gets_cache_control_and_atoma_does_not() -> None:
    marked = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    assert sent(ORQ, [HumanMessage([marked])])["messages"][0]["content"] == [marked]
    plain = sent(ATOMA, [HumanMessage([marked])])["messages"][0]["content"]
    assert plain in ("Hi", [{"type": "text", "text": "Hi"}])


UNSENDABLE = {
    "video": {"type": "video", "url": "https://example.com/a.mp4"},
    "image by id": {"type": "image", "file_id": "file-1"},
    "file by id": {"type": "file", "file_id": "file-1"},
    "image without url": {"type": "image_url", "image_url": {}},
    "audio by url": {"type": "audio", "url": "https://example.com/a.wav"},
    "audio in another format": {"type": "audio", "base64": "x", "mime_type": "audio/ogg"},
    "no type": {"cachePoint": {"type": "default"}},
    "non_standard of a user": {"type": "non_standard", "value": {"a": 1}},
}


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
@pytest.mark.parametrize("form", UNSENDABLE)
def test_what_no_service_takes_is_refused_before_any_request(played: Played, form: str) -> None:
    peer = Peer([answer()])
    with pytest.raises(ValueError, match=r"can't be sent|needs|takes no"):
        played.model(peer).invoke([HumanMessage([UNSENDABLE[form]])])
    assert peer.requests == []


@pytest.mark.parametrize("played", [ORQ, ATOMA], ids=["orq", "atoma"])
def test_a_refusal_in_blocks_goes_back_as_one(played: Played) -> None:
    said = AIMessage([{"type": "refusal", "refusal": "I can't."}])
    assert sent(played, [said])["messages"] == [
        {"role": "assistant", "content": "", "refusal": "I can't."}
    ]
