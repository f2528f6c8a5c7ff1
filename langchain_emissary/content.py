"""LangChain's content blocks, of every generation, as the parts that services take."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, TypeAlias

from emissary_transport.merging import argument_text
from emissary_transport.types import Part, Reasoning

Content: TypeAlias = "str | Iterable[str | Mapping[str, Any]] | None"

ASIDES = frozenset(
    {
        "reasoning",
        "refusal",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "input_json_delta",
        "function_call",
        "server_tool_use",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "non_standard",
    }
)
"""Blocks of an assistant's turn that say what its fields say too, or mean nothing elsewhere."""

_CALLS = {
    "tool_use": ("id", "input"),
    "tool_call": ("id", "args"),
    "invalid_tool_call": ("id", "args"),
    "function_call": ("call_id", "arguments"),
}
"""Blocks that are tool calls, and where their ids and arguments are."""

_AUDIO_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "wav": "wav", "x-wav": "wav", "wave": "wav"}


def parts_of(content: Content, without: Container[str] = ()) -> str | tuple[Part, ...]:
    """Content as text, or as parts in the common form; blocks of some types are left out.

    Raises:
        ValueError: A block can't be sent to any service.
    """
    if content is None or isinstance(content, str):
        return content or ""
    parts: list[Part] = []
    for block in content:
        if isinstance(block, str):
            parts.append({"type": "text", "text": block})
        elif _type(block) not in without:
            parts.append(_part(block))
    return tuple(parts)


def blocks_of_type(content: Content, types: Container[str]) -> list[Mapping[str, Any]]:
    """The blocks in a content that are of one of the types."""
    if content is None or isinstance(content, str):
        return []
    return [block for block in content if isinstance(block, Mapping) and _type(block) in types]


def _type(block: Mapping[str, Any]) -> str:
    return str(block.get("type") or "")


def calls_of(content: Content) -> list[tuple[str | None, str, str]]:
    """The tool calls that stand in a content as blocks: id, name and arguments of each."""
    calls = []
    for block in blocks_of_type(content, _CALLS):
        call_id, arguments = _CALLS[_type(block)]
        name = block.get("name") or "unknown"
        calls.append((block.get(call_id), name, argument_text(block.get(arguments))))
    return calls


def refusal_of(content: Content) -> str | None:
    """What an assistant's blocks say of why it would not answer."""
    refusals = blocks_of_type(content, {"refusal"})
    return "".join(str(block.get("refusal") or "") for block in refusals) or None


def reasoning_of(content: Content, extras: Mapping[str, Any]) -> Reasoning | None:
    """What an assistant's turn holds of reasoning: in its blocks, or beside its content."""
    blocks = blocks_of_type(content, {"reasoning"})
    told = [block.get("extras") or {} for block in blocks]
    texts = [block.get("reasoning") for block in blocks] or [extras.get("reasoning_content")]
    reasoning = Reasoning(
        "".join(text for text in texts if isinstance(text, str)),
        next((more["signature"] for more in told if more.get("signature")), None)
        or extras.get("reasoning_signature"),
        extras.get("redacted_reasoning"),
    )
    return reasoning if reasoning != Reasoning() else None


def _part(block: Mapping[str, Any]) -> Part:
    convert = _CONVERTERS.get(_type(block))
    if convert is None:
        raise ValueError(
            f"Content of type {block.get('type')!r} can't be sent; use text, image, audio or file."
        )
    part = convert(block)
    if block.get("cache_control"):
        part["cache_control"] = dict(block["cache_control"])
    return part


def _text(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": block.get("text") or ""}


def _text_file(block: Mapping[str, Any]) -> dict[str, Any]:
    """A text file as its text, unless that is elsewhere."""
    source = block.get("source")
    if isinstance(source, Mapping) and source.get("type") == "text":
        return {"type": "text", "text": source.get("data") or ""}
    return _file(block) if block.get("text") is None else _text(block)


def _image_url(block: Mapping[str, Any]) -> dict[str, Any]:
    image = block.get("image_url")
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, Mapping) or not image.get("url"):
        raise ValueError("An image_url block needs a url.")
    return {"type": "image_url", "image_url": dict(image)}


def _image(block: Mapping[str, Any]) -> dict[str, Any]:
    image = {"url": _url(block, "image")}
    detail = block.get("detail") or (block.get("extras") or {}).get("detail")
    return {"type": "image_url", "image_url": image | ({"detail": detail} if detail else {})}


def _audio(block: Mapping[str, Any]) -> dict[str, Any]:
    data, mime_type = _data(block), str(block.get("mime_type") or "")
    audio_format = _AUDIO_FORMATS.get(mime_type.partition("/")[2].lower())
    if not data or audio_format is None:
        raise ValueError("An audio block needs base64 data and mime_type audio/wav or audio/mpeg.")
    return {"type": "input_audio", "input_audio": {"data": data, "format": audio_format}}


def _file(block: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(block.get("file"), Mapping):
        return {"type": "file", "file": dict(block["file"])}
    if block.get("file_id"):
        raise ValueError("A file can't be sent by file_id; give its base64 data or its url.")
    url = _url(block, "file")
    file = {"file_data" if url.startswith("data:") else "uri": url}
    more = (block.get("extras") or {}) | (block.get("metadata") or {})
    name = block.get("filename") or more.get("filename") or more.get("name")
    if name:
        file["filename"] = name
    if block.get("mime_type") and "uri" in file:
        file["mimeType"] = block["mime_type"]
    return {"type": "file", "file": file}


def _input_audio(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": dict(block["input_audio"])}


def _data(block: Mapping[str, Any]) -> str | None:
    """The base64 data of a block: of today, of v0, or of Anthropic's form."""
    source = block.get("source")
    if isinstance(source, Mapping) and source.get("type") == "base64":
        return source.get("data")
    return block.get("base64") or (
        block.get("data") if block.get("source_type") == "base64" else None
    )


def _url(block: Mapping[str, Any], what: str) -> str:
    """Where a block's data is: a URL, or a data URI that holds it."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        source = {}
    url = block.get("url") or source.get("url")
    if url:
        return str(url)
    data, mime_type = _data(block), block.get("mime_type") or source.get("media_type")
    if not data or not mime_type:
        raise ValueError(f"A block of type {what!r} needs a url, or base64 data and a mime_type.")
    return f"data:{mime_type};base64,{data}"


_CONVERTERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "text": _text,
    "text-plain": _text_file,
    "input_text": _text,
    "output_text": _text,
    "image_url": _image_url,
    "image": _image,
    "audio": _audio,
    "input_audio": _input_audio,
    "file": _file,
    "document": _text_file,
}
