"""How Orq writes a chat answer down: the way it does now, and the way the seed's SDK reads it."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from emissary_emulator.brain import JsonObject, Reply, count_tokens
from emissary_emulator.service import Ask, Event
from emissary_emulator.services import chat

CREATED = 1760534948
DONE = Event(text="[DONE]")
FINGERPRINT = "fp_f33640a400"
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Current:
    """Writes one answer the way the API does now."""

    def __init__(self, ask: Ask, reply: Reply) -> None:
        self.ask, self.reply = ask, reply
        self.count = int(ask.body.get("n") or 1)
        self.head = {
            "id": ulid(ask),
            "object": "chat.completion",
            "created": CREATED,
            "model": provider_name(ask.body["model"]),
        }

    def whole(self) -> JsonObject:
        """The answer in one piece."""
        choices = [self._choice(number) for number in range(self.count)]
        return {
            **self.head,
            "choices": choices,
            "usage": self._usage(),
            "service_tier": "default",
            "system_fingerprint": None if self.reply.reasoning else FINGERPRINT,
        }

    def chunks(self) -> Iterator[Event]:
        """The answer in steps, the usage chunk when it was asked for, and the sentinel."""
        for piece in chat.pieces(self.reply, self.count):
            finish = piece.text if piece.kind == "finish" else None
            choice: JsonObject = {
                "index": piece.choice,
                "delta": self._delta(piece),
                "finish_reason": finish,
            }
            if self.ask.body.get("logprobs") and piece.kind == "text":
                choice["logprobs"] = self._logprobs(piece.text)
            yield Event(self._chunk([choice]))
        if (self.ask.body.get("stream_options") or {}).get("include_usage"):
            yield Event(self._chunk([]) | {"usage": self._usage()})
        yield DONE

    def _chunk(self, choices: list[JsonObject]) -> JsonObject:
        return {
            **self.head,
            "object": "chat.completion.chunk",
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        }

    def _choice(self, number: int) -> JsonObject:
        reply = self.reply
        message: JsonObject = {
            "role": "assistant",
            "content": reply.text if reply.text or not reply.calls else None,
            "refusal": None,
            "annotations": [],
            "tool_calls": [
                {"id": self._call_id(number, n), "type": "function", "function": vars(call)}
                for n, call in enumerate(reply.calls)
            ],
        }
        if reply.reasoning:
            signature = base64.b64encode(self.ask.token("signature", 16).encode()).decode()
            message |= {"reasoning": reply.reasoning, "reasoning_signature": signature}
        logprobs = self._logprobs(reply.text) if self.ask.body.get("logprobs") else None
        return {
            "index": number,
            "message": message,
            "logprobs": logprobs,
            "finish_reason": reply.finish,
        }

    def _delta(self, piece: chat.Piece) -> JsonObject:
        match piece.kind:
            case "start":
                silent = self.reply.calls and not self.reply.text
                return {
                    "role": "assistant",
                    "content": None if silent else "",
                    "refusal": None,
                }
            case "finish":
                return {}
            case "reasoning":
                return {"reasoning": piece.text}
            case "text":
                return {"content": piece.text}
            case _:
                return {"tool_calls": [self._call_delta(piece)]}

    def _call_delta(self, piece: chat.Piece) -> JsonObject:
        entry: JsonObject = {"index": piece.number, "function": {"arguments": piece.text}}
        if piece.kind == "call" and piece.call is not None:
            entry |= {"id": self._call_id(piece.choice, piece.number), "type": "function"}
            entry["function"] = {"name": piece.call.name, "arguments": piece.text}
        return entry

    def _call_id(self, choice: int, number: int) -> str:
        return f"call_{self.ask.token(f'call {choice} {number}', 24)}"

    def _logprobs(self, text: str) -> JsonObject:
        top = int(self.ask.body.get("top_logprobs") or 0)
        return {"content": chat.token_logprobs(text, top), "refusal": None}

    def _usage(self) -> JsonObject:
        reply = self.reply
        spoken = reply.completion_tokens * self.count
        sounds = sum(m.get("type") == "input_audio" for m in _parts(self.ask.body))
        marked = sum(
            count_tokens(p.get("text", "")) for p in _parts(self.ask.body) if "cache_control" in p
        )
        known = marked if self.ask.nth else 0
        details = {"cached_tokens": known, "audio_tokens": 85 * sounds}
        if marked:
            details["cache_creation_tokens"] = marked - known
        return {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": spoken,
            "total_tokens": reply.prompt_tokens + spoken,
            "prompt_tokens_details": details,
            "completion_tokens_details": {
                "reasoning_tokens": reply.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


class Seed(Current):
    """Writes the same answer the way the seed's SDK reads it: floats, and every field there."""

    def whole(self) -> JsonObject:
        """The answer in one piece, its numbers floats."""
        return {
            **self.head,
            "created": float(CREATED),
            "system_fingerprint": FINGERPRINT,
            "choices": [self._choice(number) for number in range(self.count)],
            "usage": self._usage(),
        }

    def chunks(self) -> Iterator[Event]:
        """The answer in steps, each with all fields; the usage is empty until the last."""
        for piece in chat.pieces(self.reply, self.count):
            last = piece.kind == "finish" and piece.choice == self.count - 1
            choice = {
                "index": float(piece.choice),
                "delta": self._delta(piece),
                "logprobs": None,
                "finish_reason": piece.text if piece.kind == "finish" else None,
            }
            usage = self._usage() if last else {}
            yield Event(self._chunk([choice]) | {"created": float(CREATED), "usage": usage})
        yield DONE

    def _choice(self, number: int) -> JsonObject:
        choice = super()._choice(number)
        kept = ("role", "content", "refusal", "tool_calls")
        message = {name: choice["message"][name] for name in kept}
        return {**choice, "index": float(number), "message": message}

    def _delta(self, piece: chat.Piece) -> JsonObject:
        said = piece.text if piece.kind == "text" else "" if piece.kind == "start" else None
        calls = [self._call_delta(piece)] if piece.call is not None else []
        return {"content": said, "refusal": None, "tool_calls": calls, "role": "assistant"}

    def _call_delta(self, piece: chat.Piece) -> JsonObject:
        name = piece.call.name if piece.call is not None else ""
        return {
            "id": self._call_id(piece.choice, piece.number),
            "type": "function",
            "function": {"name": name, "arguments": piece.text},
        }

    def _usage(self) -> JsonObject:
        reply, spoken = self.reply, self.reply.completion_tokens * self.count
        return {
            "completion_tokens": float(spoken),
            "prompt_tokens": float(reply.prompt_tokens),
            "total_tokens": float(reply.prompt_tokens + spoken),
        }


def provider_name(model: str) -> str:
    """The name that the provider knows: the part after the first slash."""
    return model.partition("/")[2] or model


def ulid(ask: Ask) -> str:
    """An id like a ULID, the same for the same request."""
    bits = int(ask.token("id", 30), 16)
    return "01K7M" + "".join(_ULID[bits >> 5 * place & 31] for place in range(21))


def is_seed(ask: Ask) -> bool:
    """Whether the caller wants the shapes of the seed's SDK."""
    return ask.profile.startswith("seed")


def _parts(body: JsonObject) -> Iterator[JsonObject]:
    for message in body["messages"]:
        content = message.get("content")
        yield from content if isinstance(content, list) else []
