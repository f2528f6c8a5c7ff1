"""Atoma: a proxy before engines; everything is signed, streams end without a sentinel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from emissary_emulator.brain import JsonObject, Message, Prompt, Reply, count_tokens, tokens
from emissary_emulator.fields import atoma as fields
from emissary_emulator.service import (
    DOCUMENTED,
    Answer,
    Ask,
    Event,
    Operation,
    Refusal,
    RefusedError,
    Service,
    stream,
)
from emissary_emulator.services import atoma_errors, chat
from emissary_emulator.services.signing import signed
from emissary_emulator.shapes import Shape
from emissary_emulator.vectors import DIMENSIONS, embedding

CREATED = 1756200000
KEEP_ALIVE = Event(comment="keep-alive")
_DEFAULT_LIMIT = 8192
_TOOL_STOP = 128008


def chat_completion(ask: Ask) -> Answer:
    """A chat answer, signed; a stream begins with comments and ends with the usage."""
    body, model = ask.body, ask.body["model"]
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or _DEFAULT_LIMIT
    prompt = chat.prompt_from(body, limit=limit, reasoning=chat.reasons(model, body))
    _fits(prompt, model)
    if problem := chat.misplaced(body["messages"]):
        raise RefusedError(atoma_errors.wrong_field(problem))
    reply, count = chat.reply_to(ask, prompt), body.get("n") or 1
    head = {
        "id": f"chatcmpl-{ask.token('id', 32)}",
        "object": "chat.completion.chunk" if body.get("stream") else "chat.completion",
        "created": CREATED,
        "model": model,
    }
    if body.get("stream"):
        usage = _usage([reply], count)
        return stream(_kept_alive(_chat_chunks(ask, head, reply, count), head, usage))
    choices = [_choice(ask, reply, number) for number in range(count)]
    usage = _usage([reply], count) | {"prompt_tokens_details": None}
    return Answer(signed({**head, "choices": choices, "usage": usage}))


def _choice(ask: Ask, reply: Reply, number: int) -> JsonObject:
    message: JsonObject = {
        "role": "assistant",
        "content": reply.text if reply.text or not reply.calls else None,
        "tool_calls": [
            {"id": _call_id(ask, number, n), "type": "function", "function": vars(call)}
            for n, call in enumerate(reply.calls)
        ],
    }
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    return {
        "index": number,
        "message": message,
        "logprobs": _logprobs(ask, reply.text),
        "finish_reason": reply.finish,
        "stop_reason": _stop_reason(reply),
    }


def _chat_chunks(ask: Ask, head: JsonObject, reply: Reply, count: int) -> Iterator[Event]:
    for piece in chat.pieces(reply, count):
        ends = piece.kind == "finish"
        choice: JsonObject = {
            "index": piece.choice,
            "delta": _delta(ask, piece),
            "logprobs": _logprobs(ask, piece.text) if piece.kind == "text" else None,
            "finish_reason": piece.text if ends else None,
        }
        if ends:
            choice["stop_reason"] = reply.stopped_by
        yield Event(signed({**head, "choices": [choice]}))


def _delta(ask: Ask, piece: chat.Piece) -> JsonObject:
    match piece.kind:
        case "start":
            return {"role": "assistant", "content": ""}
        case "finish":
            return {"content": ""}
        case "reasoning":
            return {"reasoning_content": piece.text}
        case "text":
            return {"content": piece.text}
    if piece.kind == "arguments" or piece.call is None:
        return {"tool_calls": [{"index": piece.number, "function": {"arguments": piece.text}}]}
    function = {"name": piece.call.name} | ({"arguments": piece.text} if piece.text else {})
    number = _call_id(ask, piece.choice, piece.number)
    entry = {"index": piece.number, "id": number, "type": "function", "function": function}
    return {"tool_calls": [entry]}


def _kept_alive(chunks: Iterable[Event], head: JsonObject, usage: JsonObject) -> Iterator[Event]:
    """The chunks with comments before and between them, and the usage chunk at the end."""
    yield from (KEEP_ALIVE, KEEP_ALIVE, KEEP_ALIVE)
    for number, chunk in enumerate(chunks):
        if number % 4 == 2:
            yield KEEP_ALIVE
        yield chunk
    yield Event(signed({**head, "choices": [], "usage": usage}))


def completion(ask: Ask) -> Answer:
    """A continuation of each prompt."""
    body, model = ask.body, ask.body["model"]
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or _DEFAULT_LIMIT
    prompts = list(_prompts(body["prompt"]))
    replies = []
    for text in prompts:
        asked = (Message("user", text),)
        prompt = Prompt(asked, limit=limit, stop=tuple(body.get("stop") or ()))
        _fits(prompt, model)
        replies.append(chat.continued(chat.reply_to(ask, prompt), text))
    count, echo = body.get("n") or 1, bool(body.get("echo"))
    head = {
        "id": f"cmpl-{ask.token('id', 32)}",
        "object": "text_completion",
        "created": CREATED,
        "model": model,
    }
    said = [
        (text * echo, r) for text, r in zip(prompts, replies, strict=True) for _ in range(count)
    ]
    usage = _usage(replies, count)
    if body.get("stream"):
        return stream(_kept_alive(_completion_chunks(head, said), head, usage))
    choices = [_text_choice(body, n, echoed, reply) for n, (echoed, reply) in enumerate(said)]
    usage |= {"prompt_tokens_details": None}
    return Answer(signed({**head, "choices": choices, "usage": usage}))


def _text_choice(body: JsonObject, number: int, echoed: str, reply: Reply) -> JsonObject:
    text, logprobs = echoed + reply.text, None
    if body.get("logprobs") is not None:
        entries = chat.token_logprobs(text, body["logprobs"])
        offsets = [len("".join(tokens(text)[:n])) for n in range(len(entries))]
        logprobs = {
            "tokens": [entry["token"] for entry in entries],
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": [
                {likely["token"]: likely["logprob"] for likely in entry["top_logprobs"]}
                for entry in entries
            ],
            "text_offset": offsets,
        }
    return {
        "index": number,
        "text": text,
        "logprobs": logprobs,
        "finish_reason": reply.finish,
        "stop_reason": reply.stopped_by,
    }


def _completion_chunks(head: JsonObject, said: list[tuple[str, Reply]]) -> Iterator[Event]:
    for number, (echoed, reply) in enumerate(said):
        texts = [*tokens(echoed), *tokens(reply.text)]
        ends = ("", reply.finish, reply.stopped_by)
        for text, finish, stop_reason in [*((text, None, None) for text in texts), ends]:
            choice = {
                "index": number,
                "text": text,
                "logprobs": None,
                "finish_reason": finish,
                "stop_reason": stop_reason,
            }
            yield Event(signed({**head, "choices": [choice]}))


def embeddings(ask: Ask) -> Answer:
    """The vector of one text."""
    text, used = ask.body["input"], count_tokens(ask.body["input"])
    vector = embedding(text, ask.body.get("dimensions") or DIMENSIONS)
    return Answer(
        signed(
            {
                "object": "list",
                "model": ask.body["model"],
                "data": [{"object": "embedding", "embedding": vector, "index": 0}],
                "usage": {"prompt_tokens": used, "total_tokens": used},
            }
        )
    )


MODELS = (
    ("meta-llama/Llama-3.3-70B-Instruct", 131072),
    ("deepseek-ai/DeepSeek-R1", 131072),
    ("Infermatic/Llama-3.3-70B-Instruct-FP8-Dynamic", 131072),
    ("intfloat/multilingual-e5-large-instruct", 512),
)


def models(_: Ask) -> Answer:
    """The models one may ask for."""
    data = [
        {"id": name, "object": "model", "created": 1686935002, "owned_by": "atoma"}
        for name, _ in MODELS
    ]
    return Answer({"object": "list", "data": data})


def open_router_models(_: Ask) -> Answer:
    """The operator's list with context windows, open to all."""
    price = {"prompt": "0.0000003", "completion": "0.0000003", "image": "0", "request": "0"}
    data = [
        {
            "id": name,
            "name": name.partition("/")[2],
            "created": 1686935002,
            "description": name,
            "context_length": room,
            "max_completion_tokens": min(room, _DEFAULT_LIMIT),
            "quantization": "fp8",
            "pricing": price,
        }
        for name, room in MODELS
    ]
    return Answer({"data": data})


def health(_: Ask) -> Answer:
    """Well."""
    return Answer({"message": "OK"})


def not_played(_: Ask) -> Answer:
    """Paths that exist but are not played here."""
    raise RefusedError(Refusal(501))


def _logprobs(ask: Ask, text: str) -> JsonObject | None:
    if not ask.body.get("logprobs"):
        return None
    return {"content": chat.token_logprobs(text, ask.body.get("top_logprobs") or 0)}


def _call_id(ask: Ask, choice: int, number: int) -> str:
    return f"chatcmpl-tool-{ask.token(f'call {choice} {number}', 32)}"


def _stop_reason(reply: Reply) -> str | int | None:
    return _TOOL_STOP if reply.finish == "tool_calls" else reply.stopped_by


def _usage(replies: list[Reply], count: int) -> JsonObject:
    asked = sum(reply.prompt_tokens for reply in replies)
    spoken = sum(reply.completion_tokens for reply in replies) * count
    usage: JsonObject = {
        "prompt_tokens": asked,
        "total_tokens": asked + spoken,
        "completion_tokens": spoken,
    }
    thought = sum(reply.reasoning_tokens for reply in replies)
    return usage | ({"completion_tokens_details": {"reasoning_tokens": thought}} if thought else {})


def _fits(prompt: Prompt, model: str) -> None:
    if complaint := chat.too_long(prompt, model):
        raise RefusedError(Refusal(400, f"Request error: {complaint}"))


def _prompts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif all(isinstance(entry, int) for entry in given):
        yield " ".join(map(str, given))
    else:
        for entry in given:
            yield entry if isinstance(entry, str) else " ".join(map(str, entry))


def _post(path: str, answer: Callable[[Ask], Answer], takes: Shape, **more: Any) -> Operation:
    return Operation("POST", path, answer, {DOCUMENTED: takes}, **more)


_NOT_PLAYED = (
    "/v1/images/generations",
    "/v1/nodes/lock",
    "/v1/confidential/chat/completions",
    "/v1/confidential/completions",
    "/v1/confidential/embeddings",
    "/v1/confidential/images/generations",
)

SERVICE = Service(
    name="atoma",
    operations=(
        Operation(
            "POST",
            "/v1/chat/completions",
            chat_completion,
            {DOCUMENTED: fields.CHAT, "spec": fields.SPEC_CHAT},
            atoma_errors.look_at_chat,
        ),
        _post("/v1/completions", completion, fields.COMPLETION),
        _post(
            "/v1/embeddings",
            embeddings,
            fields.EMBEDDINGS,
            first_look=atoma_errors.look_at_embeddings,
        ),
        *(Operation("POST", path, not_played) for path in _NOT_PLAYED),
        Operation("GET", "/v1/models", models),
        Operation("GET", "/v1/open_router/models", open_router_models, needs_key=False),
        Operation("GET", "/health", health, needs_key=False),
    ),
    authorised=atoma_errors.authorised,
    failure=atoma_errors.failure,
    wrong_field=atoma_errors.wrong_field,
    no_model=atoma_errors.no_model,
    bad_json=atoma_errors.bad_json,
    stream_error={"error": {"code": "INTERNAL_ERROR", "message": "Internal server error occurred"}},
    profiles=("spec",),
    shapes=("text",),
    body_before_key=True,
    no_path="text",
    keep_alive=True,
)
