"""Orq: the router's chat, completions, embeddings and rerank, and its lists of models."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emissary_emulator.brain import JsonObject, Message, Prompt, Reply, count_tokens, tokens
from emissary_emulator.fields import orq as fields
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
from emissary_emulator.services import chat, orq_errors, orq_models
from emissary_emulator.services.orq_chat import (
    CREATED,
    DONE,
    Current,
    Seed,
    is_seed,
    provider_name,
    ulid,
)
from emissary_emulator.shapes import Shape
from emissary_emulator.vectors import DIMENSIONS, embedding, relevance

ROUTERS = ("/v2/router", "/v3/router", "/v2/proxy", "/v2/gateway")


def router_chat(ask: Ask) -> Answer:
    """A chat answer in the current shape, or in the seed's (floats, no absent fields)."""
    body, model = ask.body, ask.body["model"]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    reasoning = chat.reasons(model, body)
    prompt = chat.prompt_from(body, limit=limit, reasoning=reasoning)
    if complaint := chat.too_long(prompt, model):
        raise RefusedError(Refusal(400, complaint, "context_length_exceeded", "messages"))
    if problem := chat.misplaced(body["messages"]):
        raise RefusedError(orq_errors.wrong_field(problem))
    reply = chat.reply_to(ask, prompt)
    speaker = Seed(ask, reply) if is_seed(ask) else Current(ask, reply)
    return stream(speaker.chunks()) if body.get("stream") else Answer(speaker.whole())


def completion(ask: Ask) -> Answer:
    """A continuation of each prompt; 16 tokens unless told otherwise."""
    body = ask.body
    prompts = [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]
    stop = body.get("stop") or ()
    limit = int(body.get("max_tokens") or 16)
    replies = []
    for text in prompts:
        prompt = Prompt(
            (Message("user", text),),
            limit=limit,
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
        )
        if complaint := chat.too_long(prompt, body["model"]):
            raise RefusedError(Refusal(400, complaint, "context_length_exceeded", "prompt"))
        replies.append(chat.continued(chat.reply_to(ask, prompt), text))
    count = int(body.get("n") or 1)
    said = [
        (text, reply) for text, reply in zip(prompts, replies, strict=True) for _ in range(count)
    ]
    head = {
        "id": ulid(ask),
        "object": "text_completion",
        "created": CREATED,
        "model": provider_name(body["model"]),
    }
    echo = bool(body.get("echo"))
    if body.get("stream"):
        return stream(_completion_chunks(head, said, echo=echo))
    choices = [
        {"index": n, "text": text * echo + reply.text, "finish_reason": reply.finish}
        for n, (text, reply) in enumerate(said)
    ]
    spoken = sum(reply.completion_tokens for _, reply in said)
    asked = sum(reply.prompt_tokens for reply in replies)
    usage = {
        "prompt_tokens": asked,
        "completion_tokens": spoken,
        "total_tokens": asked + spoken,
    }
    return Answer({**head, "system_fingerprint": "fp_0", "choices": choices, "usage": usage})


def _completion_chunks(
    head: JsonObject, said: list[tuple[str, Reply]], *, echo: bool
) -> Iterator[Event]:
    for number, (prompt, reply) in enumerate(said):
        texts = [*(tokens(prompt) if echo else ()), *tokens(reply.text)]
        for text, finish in [*((text, None) for text in texts), ("", reply.finish)]:
            choice = {"index": number, "text": text, "finish_reason": finish}
            yield Event({**head, "choices": [choice]})
    yield DONE


def embeddings(ask: Ask) -> Answer:
    """Vectors as floats, or as little-endian float32 in base64."""
    body, given = ask.body, ask.body["input"]
    texts = [given] if isinstance(given, str) else given
    texts = [text if isinstance(text, str) else " ".join(map(str, text)) for text in texts]
    write: Callable[[list[float]], Any] = (
        _packed if body.get("encoding_format") == "base64" else list
    )
    size = int(body.get("dimensions") or DIMENSIONS)
    data = [
        {"object": "embedding", "index": n, "embedding": write(embedding(text, size))}
        for n, text in enumerate(texts)
    ]
    used = sum(map(count_tokens, texts))
    return Answer(
        {
            "object": "list",
            "model": provider_name(body["model"]),
            "data": data,
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }
    )


def rerank(ask: Ask) -> Answer:
    """The documents in order of how much they share with the query."""
    body = ask.body
    texts = [doc if isinstance(doc, str) else " ".join(doc.values()) for doc in body["documents"]]
    scored = [(relevance(body["query"], text), -n) for n, text in enumerate(texts)]
    ranked = sorted(scored, reverse=True)[: int(body.get("top_n") or len(texts))]
    seed = is_seed(ask)
    results = []
    for score, place in ranked:
        result = {"index": float(-place) if seed else -place, "relevance_score": score}
        more = {"document": {"text": texts[-place]}} if body.get("return_documents") else {}
        results.append(({} if seed else {"object": "rerank"}) | result | more)
    number = ulid(ask)
    if seed:
        meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
        return Answer({"id": number, "results": results, "meta": meta})
    used = sum(map(count_tokens, [body["query"], *texts]))
    return Answer(
        {"id": number, "object": "list", "results": results, "usage": {"total_tokens": used}}
    )


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _routed(path: str, answer: Callable[[Ask], Answer], **shapes: Shape) -> tuple[Operation, ...]:
    takes: Mapping[str, Shape] = {DOCUMENTED: shapes.pop("takes"), **shapes}
    return tuple(Operation("POST", router + path, answer, takes) for router in ROUTERS)


SERVICE = Service(
    name="orq",
    operations=(
        *_routed(
            "/chat/completions",
            router_chat,
            takes=fields.CHAT,
            **{"seed-strict": fields.SEED_CHAT},
        ),
        *_routed("/completions", completion, takes=fields.COMPLETION),
        *_routed("/embeddings", embeddings, takes=fields.EMBEDDINGS),
        *_routed("/rerank", rerank, takes=fields.RERANK),
        Operation("GET", "/v3/router/models", orq_models.listing),
        Operation("GET", "/v2/model-catalog", orq_models.catalogue),
    ),
    authorised=orq_errors.authorised,
    failure=orq_errors.failure,
    wrong_field=orq_errors.wrong_field,
    no_model=orq_errors.no_model,
    bad_json=orq_errors.bad_json,
    stream_error={
        "error": {
            "code": "provider_error",
            "message": "The provider closed the connection.",
            "type": "api_error",
            "param": None,
        }
    },
    profiles=("current", "seed", "seed-strict"),
    shapes=("envelope", "openai", "flat", "message"),
)
