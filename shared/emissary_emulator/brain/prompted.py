"""Tools and schemas that a prompt describes in words, for models that have no fields for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from emissary_emulator.brain.filling import objects_in, written_objects
from emissary_emulator.brain.talk import Draft, JsonObject, Message, Prompt, Tool, ToolCall

_TOOLS = re.compile(r"<tools>(.*?)</tools>", re.S)
_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.S)
_RESPONSE = re.compile(r"<tool_response>\s*(.*?)\s*</tool_response>", re.S)
_SCHEMA = re.compile(r"<schema>(.*?)</schema>", re.S)
_NAMED = re.compile(r"must call the function [\"'“`]([^\"'”`]+)[\"'”`]")
_REACT_TOOL = re.compile(
    r"> Tool Name: (?P<name>.+)\nTool Description: (?P<about>.*?)\nTool Args: (?P<args>\{.*\})",
    re.S,
)
_STEP = re.compile(
    r"Action:\s*(?P<name>[^\n]+)\n+Action Input:\s*(?P<input>.*?)\s*(?=\n+Observation:|\Z)", re.S
)
_CLASSIC_TOOL = re.compile(
    r"^(?P<name>\w+)(?P<args>\([^\n]*?\))?(?: ->[^\n:]*?)?(?:: | - )(?P<about>.+)$", re.M
)
_OBSERVATION = re.compile(r"Observation:\s*(.*?)(?=\n\s*Thought:|\Z)", re.S)
NEED_A_TOOL = (
    "Thought: The current language of the user is: English. "
    "I need to use a tool to help me answer the question."
)
NEED_NO_TOOL = (
    "Thought: I can answer without using any more tools. I'll use the user's language to answer"
)


@dataclass(frozen=True)
class Dialect:
    """The same prompt with its tools as fields, and how an answer is written down."""

    prompt: Prompt
    write: Callable[[Draft], str]


def dialect_of(prompt: Prompt) -> Dialect | None:
    """How the prompt describes tools or a schema in words, when it does."""
    if prompt.tools or prompt.schema is not None or prompt.json_only:
        return None
    for read in (_tagged, _react, _classic, _schema_only):
        if (dialect := read(prompt)) is not None:
            return dialect
    return None


def _tagged(prompt: Prompt) -> Dialect | None:
    """`<tools>` and `<tool_call>`, the way Hermes models are told."""
    system = "\n".join(m.text for m in prompt.messages if m.role == "system")
    block = _TOOLS.search(system)
    if block is None:
        return None
    tools = tuple(_listed_tools(block[1]))
    rules = _TOOLS.sub("", system)
    choice = "auto"
    if named := _NAMED.search(rules):
        choice = named[1]
    elif "must call at least one" in rules:
        choice = "required"
    elif re.search(r"\bdo not call\b(?! (?:more than|several|two))", rules, re.I):
        choice = "none"
    several = re.search(
        r"(?:only|at most|exactly) one function|one function at a time", rules, re.I
    )
    messages = tuple(_untagged(prompt.messages))
    plain = replace(prompt, messages=messages, tools=tools, choice=choice, parallel=several is None)
    return Dialect(_with_schema(plain, rules), _write_tagged)


def _listed_tools(block: str) -> Iterator[Tool]:
    for entry in objects_in(block):
        function = entry.get("function", entry)
        yield Tool(
            str(function.get("name", "")),
            str(function.get("description") or ""),
            function.get("parameters") or {},
        )


def _untagged(messages: Sequence[Message]) -> Iterator[Message]:
    """The turns with calls and results as fields, and without the tags."""
    waiting: list[ToolCall] = []
    for message in messages:
        results = _RESPONSE.findall(message.text) if message.role == "user" else []
        if message.role == "system":
            text = _SCHEMA.sub("", _TOOLS.sub("", message.text))
            yield replace(message, text=text.replace("<tool_call>", "").replace("</tool_call>", ""))
        elif message.role == "assistant":
            waiting = [call for said in _CALL.findall(message.text) if (call := _read_call(said))]
            yield replace(message, text=_CALL.sub("", message.text).strip(), calls=tuple(waiting))
        elif results:
            for said in results:
                text, name = _result(said)
                source = next((c for c in waiting if name in {None, c.name}), None)
                if source is not None:
                    waiting.remove(source)
                yield Message("tool", text, source=source)
            rest = _RESPONSE.sub("", message.text).strip()
            if rest:
                yield replace(message, text=rest)
        else:
            yield message


def _read_call(said: str) -> ToolCall | None:
    entry = next(objects_in(said), None)
    if entry is None or not isinstance(entry.get("name"), str):
        return None
    arguments = entry.get("arguments")
    return ToolCall(entry["name"], arguments if isinstance(arguments, dict) else {})


def _result(said: str) -> tuple[str, str | None]:
    """The text of a tool result and the name of its tool, when it is told."""
    try:
        value = json.loads(said)
    except ValueError:
        return said, None
    if not isinstance(value, dict):
        return said, None
    content = next(
        (value[key] for key in ("content", "result", "output", "error") if key in value), None
    )
    if content is None or not value.keys() <= {
        "name",
        "content",
        "result",
        "output",
        "id",
        "tool_call_id",
        "is_error",
        "status",
        "error",
    }:
        return said, None
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text, value.get("name")


def _write_tagged(draft: Draft) -> str:
    calls = [
        json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
        for call in draft.calls
    ]
    return "\n".join(
        [draft.text] * bool(draft.text) + [f"<tool_call>{c}</tool_call>" for c in calls]
    )


def _react(prompt: Prompt) -> Dialect | None:
    """The prompt of LlamaIndex's ReActAgent."""
    place = next((i for i, m in enumerate(prompt.messages) if "> Tool Name: " in m.text), None)
    if place is None or "Action Input" not in prompt.messages[place].text:
        return None
    system = prompt.messages[place].text
    blocks = re.split(r"\n(?=> Tool Name: )", system)
    tools = tuple(
        Tool(found["name"].strip(), found["about"], next(objects_in(found["args"]), {}))
        for block in blocks
        if (found := _REACT_TOOL.search(block))
    )
    rest = [m for i, m in enumerate(prompt.messages) if i != place]
    messages = tuple(_observed(rest))
    return Dialect(replace(prompt, messages=messages, tools=tools, parallel=False), _write_react)


def _observed(messages: Sequence[Message]) -> Iterator[Message]:
    last: ToolCall | None = None
    for message in messages:
        step = _STEP.search(message.text) if message.role == "assistant" else None
        if message.role != "assistant" and message.text.startswith("Observation:"):
            text = message.text.removeprefix("Observation:").strip()
            yield Message("tool", text, source=last)
        elif step:
            given = next(objects_in(step["input"].replace("'", '"')), {})
            last = ToolCall(step["name"].strip(), given)
            yield replace(message, text="", calls=(last,))
        else:
            yield message


def _write_react(draft: Draft) -> str:
    if not draft.calls:
        return f"{NEED_NO_TOOL}\nAnswer: {draft.text}"
    call = draft.calls[0]
    given = json.dumps(call.arguments, ensure_ascii=False)
    return f"{NEED_A_TOOL}\nAction: {call.name}\nAction Input: {given}"


def _classic(prompt: Prompt) -> Dialect | None:
    """The classic ReAct prompt: tools in a list, "Begin!", a scratchpad at the end."""
    place = next(
        (
            i
            for i, m in enumerate(prompt.messages)
            if "Final Answer:" in m.text and "Begin!" in m.text
        ),
        None,
    )
    if place is None:
        return None
    head, _, tail = prompt.messages[place].text.rpartition("Begin!")
    head = head.partition("Use the following format")[0]
    tools = tuple(_classic_tools(head))
    later = "\n".join([tail, *(m.text for m in prompt.messages[place + 1 :])])
    question, _, scratchpad = later.partition("\nThought:")
    question = re.sub(r"^\s*Question:\s*", "", question.strip())
    messages = [Message("user", question)]
    for step in _STEP.finditer(scratchpad):
        call = ToolCall(step["name"].strip(), {"input": step["input"]})
        messages.append(Message("assistant", "", calls=(call,)))
    messages += [
        Message("tool", said.strip(), source=messages[-1].calls[0] if messages[-1].calls else None)
        for said in _OBSERVATION.findall(scratchpad)
    ]
    plain = replace(prompt, messages=tuple(messages), tools=tools, parallel=False)
    return Dialect(plain, _write_classic)


def _classic_tools(head: str) -> Iterator[Tool]:
    for found in _CLASSIC_TOOL.finditer(head):
        names = re.findall(r"(\w+)\s*:\s*(\w+)", found["args"] or "(input: str)")
        types = {"int": "integer", "float": "number", "bool": "boolean"}
        properties = {name: {"type": types.get(hint, "string")} for name, hint in names}
        yield Tool(
            found["name"],
            found["about"],
            {"type": "object", "properties": properties, "required": list(properties)},
        )


def _write_classic(draft: Draft) -> str:
    if not draft.calls:
        return f"I now know the final answer\nFinal Answer: {draft.text}"
    call = draft.calls[0]
    values = list(call.arguments.values())
    given = values[0] if len(values) == 1 else json.dumps(call.arguments, ensure_ascii=False)
    return f"I should use {call.name}.\nAction: {call.name}\nAction Input: {given}"


def _schema_only(prompt: Prompt) -> Dialect | None:
    """A JSON Schema in the text, or a plain demand for JSON."""
    text = "\n".join(m.text for m in prompt.messages if m.role in {"system", "user", "developer"})
    plain = _with_schema(prompt, text)
    if plain.schema is None and not plain.json_only:
        return None
    return Dialect(plain, lambda draft: draft.text)


def _with_schema(prompt: Prompt, text: str) -> Prompt:
    schema, block = _schema_in(text)
    if schema is not None:
        messages = tuple(
            replace(m, text=_SCHEMA.sub("", m.text).replace(block, "")) for m in prompt.messages
        )
        return replace(prompt, schema=schema, messages=messages)
    wanted = "Answer with a single JSON object" in text
    return replace(prompt, json_only=True) if wanted else prompt


def _schema_in(text: str) -> tuple[JsonObject | None, str]:
    """The last JSON Schema in the text, and how it is written there."""
    if tagged := _SCHEMA.search(text):
        return next(objects_in(tagged[1]), {}), tagged[0]
    if re.search(r"\bjson\b", text, re.I) and re.search(r"\bschema\b", text, re.I):
        for found, block in reversed(list(written_objects(text))):
            properties = found.get("properties")
            if isinstance(properties, dict) and all(map(_is_object, properties.values())):
                return found, block
        if "{{" in text:  # LlamaIndex doubles the braces of a schema
            found_within, block = _schema_in(text.replace("{{", "{").replace("}}", "}"))
            return found_within, block.replace("{", "{{").replace("}", "}}")
    return None, ""


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
