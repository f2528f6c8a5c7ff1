"""Which tools a prompt calls for, and with what arguments."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emissary_emulator.brain.answers import answer, last_user, since_last_user
from emissary_emulator.brain.filling import Filler, from_call, objects_in
from emissary_emulator.brain.pool import Pool
from emissary_emulator.brain.schema import is_text, resolved
from emissary_emulator.brain.talk import JsonObject, Prompt, Tool, ToolCall
from emissary_emulator.brain.words import content_words, sentences, split_words, stem

_MEANT = {
    "+": "add sum", "plus": "add sum", "*": "multiply product", "times": "multiply product",
    "\xd7": "multiply product", "minus": "subtract difference", "/": "divide", "sum": "add",
    "difference": "subtract", "product": "multiply",
    "temperature": "weather", "forecast": "weather", "sunny": "weather", "rain": "weather",
}  # fmt: skip
_BREAK = re.compile(r"(?:\s*,)?\s+(?:and|then|und|et)\s+(?:then\s+)?|;\s*|(?<=[.?!])\s+")
_USE_IT = re.compile(
    r"\b(?:use|using|call|with)\s+(?:the|a|this|your|my)\s+(?:\w+\s+)?(?:tool|function)s?\b", re.I
)
_MOST = 8


@dataclass(frozen=True)
class _Plan:
    call: ToolCall
    complete: bool
    partly: bool


def wanted_calls(prompt: Prompt) -> tuple[ToolCall, ...]:
    """The calls to make now: none when nothing asks for one, or all were made already."""
    if not prompt.tools or prompt.choice == "none":
        return ()
    done = [call for m in since_last_user(prompt.messages) for call in m.calls]
    planned = list(_fresh(_plans(prompt), done))
    if prompt.choice not in {"auto", "required"}:
        planned = [call for call in planned if call.name == prompt.choice] or [
            _forced(prompt, done)
        ]
    elif prompt.choice == "required" and not planned:
        planned = [_forced(prompt, done)]
    planned = _answers_last(planned)
    return tuple(planned[: _MOST if prompt.parallel else 1])


def arguments_for(prompt: Prompt, tool: Tool, text: str, results: str = "") -> _Plan:
    """A call of the tool from the text, complete when all that is required was said."""
    properties = resolved(tool.parameters, tool.parameters).get("properties", {})
    given = next(
        (o for o in objects_in(text) if properties and o and o.keys() <= properties.keys()), None
    )
    if given is not None:
        return _Plan(ToolCall(tool.name, given), complete=True, partly=True)
    pool = Pool(f"{results}\n{text}" if results else text, common=frozenset(_vocabulary(tool)))
    filled = Filler(tool.parameters, pool, lambda: answer(prompt.messages)).properties()
    return _Plan(ToolCall(tool.name, filled.value), filled.found, filled.partly)


def _plans(prompt: Prompt) -> Iterator[ToolCall]:
    """All calls that the last turn of the user asks for, in order."""
    text = last_user(prompt.messages).text
    written = [
        ToolCall(tool.name, arguments)
        for tool in prompt.tools
        for arguments in from_call(text, tool.name, _properties(tool))
    ]
    if written:
        yield from (_whole(prompt, call, text) for call in written)
        return
    for tool, clause in _clauses(prompt, text):
        yield from _spread(prompt, tool, clause)


def _clauses(prompt: Prompt, text: str) -> list[tuple[Tool, str]]:
    """The text cut where another tool, or the same once more, is asked for."""
    groups: list[tuple[Tool | None, str]] = []
    for piece in _cut(text):
        tool = _best_tool(prompt.tools, piece, least=3)
        if groups and (tool is None or groups[-1][0] is None):
            groups[-1] = (groups[-1][0] or tool, groups[-1][1] + piece)
        else:
            groups.append((tool, piece))
    found: list[tuple[Tool, str]] = []
    for tool, clause in groups:
        if tool is not None and (not found or _stands_alone(prompt, found[-1][0], tool, clause)):
            found.append((tool, clause))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + clause)
    if len(found) > 1:
        return found
    only = _best_tool(prompt.tools, text) or next((tool for tool, _ in found), None)
    return [(only, text)] if only is not None else []


def _stands_alone(prompt: Prompt, before: Tool, tool: Tool, clause: str) -> bool:
    """Whether a clause is a call of its own rather than more words for the call before."""
    plan = arguments_for(prompt, tool, clause)
    return plan.complete or (plan.partly and tool.name != before.name)


def _cut(text: str) -> list[str]:
    """The pieces between "and", "then" and the like, outside quotations; they join to the text."""
    places = [
        found.end()
        for found in _BREAK.finditer(text)
        if all(text[: found.start()].count(mark) % 2 == 0 for mark in '"`“')
        and len(re.findall(r"(?<!\w)'|'(?!\w)", text[: found.start()])) % 2 == 0
    ]
    edges = [0, *places, len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges) if a < b]


def _spread(prompt: Prompt, tool: Tool, clause: str) -> Iterator[ToolCall]:
    """One call, or one for each of the names listed for the only text the tool takes."""
    plan = arguments_for(prompt, tool, clause)
    texts = [
        name
        for name, schema in _properties(tool).items()
        if name in tool.parameters.get("required", [])
        and is_text(resolved(schema, tool.parameters))
    ]
    written = any(objects_in(clause))
    if not written and len(texts) == 1 and isinstance(plan.call.arguments.get(texts[0]), str):
        pool = Pool(clause, common=frozenset(_vocabulary(tool)))
        several = pool.together(place=any(name.place for name in pool.names))
        if len(several) > 1 and plan.call.arguments[texts[0]] in several:
            for value in several:
                yield ToolCall(tool.name, {**plan.call.arguments, texts[0]: value})
            return
    yield plan.call


def _fresh(planned: Iterator[ToolCall], done: Sequence[ToolCall]) -> Iterator[ToolCall]:
    """What is planned beyond the calls that were made since the user spoke."""
    made = Counter(call.name for call in done)
    for call in planned:
        if made[call.name] > 0:
            made[call.name] -= 1
        else:
            yield call


def _forced(prompt: Prompt, done: Sequence[ToolCall]) -> ToolCall:
    """A call that must be made although the prompt does not ask for it."""
    text = last_user(prompt.messages).text
    named = [tool for tool in prompt.tools if tool.name == prompt.choice]
    made = {call.name for call in done}
    unused = [tool for tool in prompt.tools if tool.name not in made] or list(prompt.tools)
    unused = [tool for tool in unused if _is_answer(tool.name)] or unused
    tool = named[0] if named else _best_tool(unused, text, least=1) or unused[0]
    results = "\n".join(m.text for m in since_last_user(prompt.messages) if m.role == "tool")
    return arguments_for(prompt, tool, text, results).call


def _answers_last(calls: list[ToolCall]) -> list[ToolCall]:
    """Without calls of answer schemas, named like classes, while real tools are to be called."""
    real = [call for call in calls if not _is_answer(call.name)]
    return real or calls[:1] if any(_is_answer(call.name) for call in calls) else calls


def _is_answer(name: str) -> bool:
    return name[:1].isupper() and "_" not in name


def _best_tool(tools: Sequence[Tool], text: str, least: int = 2) -> Tool | None:
    """The tool that shares most words with the text; the first of equals."""
    said = _stems(text)
    must = _USE_IT.search(text) is not None
    scores = [_likeness(tool, said, text) for tool in tools]
    real = [s for s, tool in zip(scores, tools, strict=True) if not _is_answer(tool.name)]
    if real and max(real) >= least:
        scores = [
            -1 if _is_answer(tool.name) else score
            for score, tool in zip(scores, tools, strict=True)
        ]
    top = max(scores, default=0)
    return tools[scores.index(top)] if scores and (top >= least or (must and least <= 2)) else None


def _likeness(tool: Tool, said: set[str], text: str) -> int:
    if re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", text):
        return 100
    about = sentences(tool.description)[:1]
    names = set(content_words(tool.name)) - {"tool", "function"}
    described = set(content_words(about[0][:200])) if about else set()
    parameters = set(content_words(" ".join(_properties(tool))))
    return 3 * len(names & said) + len(described & said) + len(parameters & said)


def _stems(text: str) -> set[str]:
    known = set(content_words(text))
    for word in re.findall(r"\w+|[+*/\xd7]", text.lower()):
        known.update(stem(meant) for meant in _MEANT.get(word, "").split())
    return known


def _vocabulary(tool: Tool) -> set[str]:
    words = [*split_words(tool.name), *split_words(tool.description[:200])]
    return {stem(word) for word in [*words, "tool", "use", "using", *_properties(tool)]}


def _properties(tool: Tool) -> JsonObject:
    properties = resolved(tool.parameters, tool.parameters).get("properties", {})
    return properties if isinstance(properties, dict) else {}


def _whole(prompt: Prompt, call: ToolCall, text: str) -> ToolCall:
    """The written call with what it leaves out filled in."""
    tool = next(tool for tool in prompt.tools if tool.name == call.name)
    missing = [n for n in tool.parameters.get("required", []) if n not in call.arguments]
    if not missing:
        return call
    filled = arguments_for(prompt, tool, text).call.arguments
    return ToolCall(call.name, {**{n: filled[n] for n in missing if n in filled}, **call.arguments})
