"""A small rule-based model: pure functions from a prompt to a reply, always the same."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from emissary_emulator.brain.answers import answer, last_user, question_of, since_last_user
from emissary_emulator.brain.filling import Filler
from emissary_emulator.brain.pool import Pool
from emissary_emulator.brain.prompted import dialect_of
from emissary_emulator.brain.talk import (
    Draft,
    JsonObject,
    Message,
    Prompt,
    Reply,
    Spoken,
    Tool,
    ToolCall,
)
from emissary_emulator.brain.tools import wanted_calls
from emissary_emulator.brain.words import tokens

__all__ = [
    "Draft",
    "JsonObject",
    "Message",
    "Prompt",
    "Reply",
    "Spoken",
    "Tool",
    "ToolCall",
    "count_prompt",
    "count_tokens",
    "think",
    "tokens",
]

_KEYS = re.compile(r"['\"`“](\w+)['\"`”]")
_PER_MESSAGE = 3
_PER_MEDIUM = 85


def think(prompt: Prompt) -> Reply:
    """What the model says to the prompt, within its limits."""
    draft = _draft(prompt)
    reasoning = _reasoning(prompt) if prompt.reasoning else ""
    left = prompt.limit
    text, stopped_by = _stopped(draft.text, prompt.stop)
    text, left, short = _within(text, left)
    calls: list[Spoken] = []
    for call in draft.calls:
        said, left, cut = _within(json.dumps(call.arguments, ensure_ascii=False), left)
        short = short or cut
        if said:
            calls.append(Spoken(call.name, said))
    spoken = count_tokens(text) + sum(
        count_tokens(c.name) + count_tokens(c.arguments) for c in calls
    )
    return Reply(
        text=text,
        calls=tuple(calls),
        reasoning=reasoning,
        finish="length" if short else "tool_calls" if calls else "stop",
        stopped_by=None if short else stopped_by,
        prompt_tokens=count_prompt(prompt),
        completion_tokens=spoken + count_tokens(reasoning) + 1,
        reasoning_tokens=count_tokens(reasoning),
    )


def count_tokens(text: str) -> int:
    """How many tokens a text is."""
    return len(tokens(text))


def count_prompt(prompt: Prompt) -> int:
    """How many tokens a prompt is, with its tools and pictures."""
    total = sum(
        _PER_MESSAGE
        + count_tokens(message.text)
        + _PER_MEDIUM * len(message.media)
        + sum(count_tokens(f"{c.name} {json.dumps(c.arguments)}") for c in message.calls)
        for message in prompt.messages
    )
    for tool in prompt.tools:
        total += count_tokens(f"{tool.name} {tool.description} {json.dumps(tool.parameters)}")
    return total


def _draft(prompt: Prompt) -> Draft:
    dialect = dialect_of(prompt)
    if dialect is not None:
        return Draft(dialect.write(_said(dialect.prompt)))
    return _said(prompt)


def _said(prompt: Prompt) -> Draft:
    if calls := wanted_calls(prompt):
        return Draft("", calls)
    if prompt.schema is not None:
        return Draft(_json(_fitting(prompt, prompt.schema)))
    if prompt.json_only:
        return Draft(_json(_free_object(prompt)))
    return Draft(answer(prompt.messages))


def _fitting(prompt: Prompt, schema: JsonObject) -> Any:
    return Filler(schema, Pool(_source(prompt)), lambda: answer(prompt.messages)).value()


def _free_object(prompt: Prompt) -> JsonObject:
    """An object with the keys that the prompt names, or just an answer."""
    text = last_user(prompt.messages).text
    named = _KEYS.findall(text) if re.search(r"\b(?:keys?|fields?|json)\b", text, re.I) else []
    if not named and re.search(r"\bjoke\b", text, re.I):
        named = ["setup", "punchline"]
    if not named:
        return {"answer": answer(prompt.messages)}
    schema = {"type": "object", "properties": {key: {"type": "string"} for key in named}}
    bare = replace(prompt, messages=(Message("user", _KEYS.sub("", text)),))
    value: JsonObject = _fitting(bare, schema | {"required": named})
    return value


def _source(prompt: Prompt) -> str:
    """The text that values are taken from: what tools said, then what the user said."""
    said = [m.text for m in since_last_user(prompt.messages) if m.role == "tool"]
    return "\n".join([*said, last_user(prompt.messages).text])


def _reasoning(prompt: Prompt) -> str:
    question = question_of(last_user(prompt.messages).text)[:80]
    return f"The user asks: {question} I look for it in the text I was given."


def _stopped(text: str, stop: tuple[str, ...]) -> tuple[str, str | None]:
    places = [(text.find(word), word) for word in stop if word and word in text]
    if not places:
        return text, None
    place, word = min(places)
    return text[:place], word


def _within(text: str, limit: int | None) -> tuple[str, int | None, bool]:
    """The text within the limit, what is left of the limit, and whether text was cut."""
    if limit is None:
        return text, None, False
    said = tokens(text)
    return "".join(said[:limit]), max(0, limit - len(said)), len(said) > limit


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
