"""What a model is told about tools and formats, in the words that open models are trained on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from emissary_transport.prompted.json_text import compact
from emissary_transport.types import Call, Message, Named, ToolCall, ToolChoice

_TOOLS = """\
You are provided with function signatures in this block, one JSON object a line:
<tools>
{tools}
</tools>"""
_EACH_CALL = """\
For each function call, return a JSON object with the function's name and its arguments, \
within <tool_call></tool_call> XML tags:"""
_ONE_CALL = """\
Call only one function in an answer. To call it, return a JSON object with the function's name \
and its arguments, within <tool_call></tool_call> XML tags:"""
_FORM = """\
<tool_call>
{{"name": {name}, "arguments": <args-json-object>}}
</tool_call>"""
_FREE = "When no function fits, answer in plain text, without these tags."
_SCHEMA = """\
Answer with a single JSON object that fits the schema, and nothing else.
<schema>
{schema}
</schema>"""
_OBJECT = "Answer with a single JSON object, and nothing else."
_OTHERWISE = "When your answer is no function call: "


def prompted_call(call: Call) -> Call:
    """The call with its tools, tool turns and response format told in words.

    Raises:
        ValueError: Something in it has no words, such as an image among a tool's results.
    """
    instructions = "\n\n".join(_instructions(call))
    has_turns = any(message.role == "tool" or message.tool_calls for message in call.messages)
    if not (instructions or has_turns or _has_fields(call)):
        return call
    messages = tuple(_spoken(call.messages)) if has_turns else call.messages
    return replace(
        call,
        messages=with_instructions(messages, instructions) if instructions else messages,
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
        response_format=None,
    )


def asked_again(call: Call, answer_text: str) -> Call:
    """The call once more, after an answer in which the function call that it forces did not come.

    This is the call as it was before `prompted_call`, which comes next.

    Raises:
        ValueError: The call forces no function call.
    """
    order = _order(call.tool_choice)
    if order is None:
        raise ValueError("Only a call that forces a function call can be asked for one again.")
    name = compact(call.tool_choice.name) if isinstance(call.tool_choice, Named) else None
    form = _FORM.format(name=name or "<function-name>")
    text = f"Your answer has no such function call. {order} Answer with nothing else than:\n{form}"
    messages = call.messages
    if answer_text.strip():
        messages = (*messages, Message("assistant", answer_text))
    elif messages and messages[-1].role == "user":  # chat templates want the roles to alternate
        *earlier, last = messages
        messages = (*earlier, replace(last, content=_extended(last, text)))
        return replace(call, messages=messages)
    return replace(call, messages=(*messages, Message("user", text)))


def _has_fields(call: Call) -> bool:
    fields = (call.tool_choice, call.parallel_tool_calls, call.response_format)
    return bool(call.tools) or any(field is not None for field in fields)


def _instructions(call: Call) -> Iterator[str]:
    tells_tools = bool(call.tools) and call.tool_choice != "none"
    if tells_tools:
        yield _TOOLS.format(tools="\n".join(map(compact, call.tools)))
        how = _ONE_CALL if call.parallel_tool_calls is False else _EACH_CALL
        yield how + "\n" + _FORM.format(name="<function-name>")
        yield _order(call.tool_choice) or _FREE
    wanted = _format(call.response_format)
    if wanted:
        yield _OTHERWISE + wanted if tells_tools else wanted


def _order(choice: ToolChoice | None) -> str | None:
    """What a forced call is demanded with."""
    if isinstance(choice, Named):
        return f'You must call the function "{choice.name}" now.'
    if choice == "required":
        return "You must call at least one of the functions now."
    return None


def _format(wanted: Mapping[str, Any] | None) -> str:
    kind = wanted.get("type") if wanted else "text"
    if kind == "text":
        return ""
    if wanted and kind == "json_schema":
        schema = (wanted.get("json_schema") or wanted).get("schema")
        return _SCHEMA.format(schema=compact(schema)) if schema else _OBJECT
    if kind == "json_object":
        return _OBJECT
    raise ValueError(
        f"A response_format of type {kind!r} can't be asked for in a prompt; "
        "json_schema, json_object and text can."
    )


def with_instructions(messages: tuple[Message, ...], instructions: str) -> tuple[Message, ...]:
    """The messages with the instructions in the one system message at their front."""
    if not messages or messages[0].role not in {"system", "developer"}:
        return (Message("system", instructions), *messages)
    first = messages[0]
    text = "\n\n".join(filter(None, (_plain(first), instructions)))
    return (replace(first, content=text), *messages[1:])


def _spoken(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages with calls and results as text; adjacent results in one message."""
    names: dict[str | None, str] = {}
    results: list[str] = []
    for message in messages:
        if message.role == "tool":
            results.append(_result(message, names.get(message.tool_call_id) or message.name))
            continue
        if results:
            yield Message("user", "\n".join(results))
            results.clear()
        names.update((call.id, call.name) for call in message.tool_calls)
        yield _said(message) if message.tool_calls else message
    if results:
        yield Message("user", "\n".join(results))


def _said(message: Message) -> Message:
    blocks = "\n".join(map(_block, message.tool_calls))
    text = "\n".join(filter(None, (_plain(message), blocks)))
    return replace(message, content=text, tool_calls=())


def _block(call: ToolCall) -> str:
    """A call the way the model is told to write it.

    >>> print(_block(ToolCall("call_1", "weather", '{"city":"Košice"}')))
    <tool_call>
    {"name": "weather", "arguments": {"city": "Košice"}}
    </tool_call>
    """
    arguments: object = {}
    if call.arguments.strip():
        try:
            arguments = json.loads(call.arguments)
        except (ValueError, RecursionError):
            arguments = call.arguments
    written = arguments if isinstance(arguments, dict) else call.arguments
    return f"<tool_call>\n{_json({'name': call.name, 'arguments': written})}\n</tool_call>"


def _result(message: Message, name: str | None) -> str:
    source = {"name": name} if name else {"tool_call_id": message.tool_call_id}
    result = source | {"error" if message.failed else "content": _plain(message)}
    return f"<tool_response>\n{_json(result)}\n</tool_response>"


def _plain(message: Message) -> str:
    """The message's text, its parts a line each."""
    if isinstance(message.content, str):
        return message.content
    for part in message.content:
        if part.get("type") != "text":
            raise ValueError(
                f"A {message.role} message has a part of type {part.get('type')!r}, "
                "but this model is told about tools and formats in text only."
            )
    return "\n".join(str(part.get("text", "")) for part in message.content)


def _extended(message: Message, text: str) -> str | tuple[Mapping[str, Any], ...]:
    if isinstance(message.content, str):
        return f"{message.content}\n\n{text}"
    return (*message.content, {"type": "text", "text": text})


def _json(value: Mapping[str, Any]) -> str:
    """JSON with spaces, as models see it in training."""
    return json.dumps(value, ensure_ascii=False)
