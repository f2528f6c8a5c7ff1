"""The forms in which an Emissary deployment may stream: no source says which it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

from emissary_emulator.brain import JsonObject, Reply, tokens
from emissary_emulator.service import Answer, Ask, Event, stream
from emissary_emulator.services import chat

CREATED = 1765000000
DONE = Event(text="[DONE]")


def call_id(ask: Ask, number: int) -> str:
    """The id of a tool call."""
    return f"call_{ask.token(f'call {number}', 24)}"


def chunks(ask: Ask, number: str, model: str, reply: Reply) -> Iterator[Event]:
    """The answer as OpenAI streams it."""
    for piece in chat.pieces(reply):
        finish = piece.text if piece.kind == "finish" else None
        choice = {"index": piece.choice, "delta": _delta(ask, piece), "finish_reason": finish}
        yield Event(
            {
                "id": number,
                "object": "chat.completion.chunk",
                "created": CREATED,
                "model": model,
                "choices": [choice],
            }
        )


def _delta(ask: Ask, piece: chat.Piece) -> JsonObject:
    if piece.kind == "start":
        return {"role": "assistant", "content": ""}
    if piece.kind == "finish":
        return {}
    if piece.call is None:
        return {"content": piece.text}
    entry: JsonObject = {"index": piece.number, "function": {"arguments": piece.text}}
    if piece.kind == "call":
        entry |= {"id": call_id(ask, piece.number), "type": "function"}
        entry["function"]["name"] = piece.call.name
    return {"tool_calls": [entry]}


def _openai(ask: Ask, number: str, reply: Reply) -> Answer:
    return stream([*chunks(ask, number, ask.place["deployment_id"], reply), DONE])


def _form(
    write: Callable[[str, str, str], Event],
    media_type: str = "text/event-stream",
    ending: tuple[Event, ...] = (),
) -> Callable[[Ask, str, Reply], Answer]:
    """A stream form that writes an event for the id, the new token and the text so far."""

    def form(_: Ask, number: str, reply: Reply) -> Answer:
        said = tokens(reply.text)
        so_far = itertools.accumulate(said)
        events = (write(number, token, text) for token, text in zip(said, so_far, strict=True))
        return stream([*events, *ending], media_type)

    return form


def _as_response(number: str, token: str, _: str) -> Event:
    return Event({"id": number, "response": token})


def _as_response_so_far(number: str, _: str, text: str) -> Event:
    return Event({"id": number, "response": text})


def _as_text(_: str, token: str, __: str) -> Event:
    return Event(text=token)


def _as_string(_: str, token: str, __: str) -> Event:
    return Event(token)


_deltas = _form(_as_response, ending=(DONE,))
FORMS: Mapping[str, Callable[[Ask, str, Reply], Answer]] = {
    "deltas": _deltas,
    "cumulative": _form(_as_response_so_far),
    "openai": _openai,
    "strings": _form(_as_string, ending=(DONE,)),
    "literal": _form(_as_text),
    "text": _form(_as_text, "text/plain"),
    "ndjson": _form(_as_response, "application/x-ndjson"),
    "jsonl": _form(_as_response, "application/jsonl"),
}
