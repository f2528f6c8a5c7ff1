"""Emissary: the deployment API (D) and the current one (C)."""

from __future__ import annotations

from collections.abc import Callable

from emissary_emulator.brain import JsonObject, Message, Prompt, Reply, count_tokens
from emissary_emulator.fields import emissary as fields
from emissary_emulator.service import (
    DOCUMENTED,
    Answer,
    Ask,
    Operation,
    Refusal,
    RefusedError,
    Service,
    stream,
)
from emissary_emulator.services import chat, emissary_errors
from emissary_emulator.services.emissary_forms import CREATED, DONE, FORMS, call_id, chunks
from emissary_emulator.shapes import Shape
from emissary_emulator.vectors import LABELS, cosine, embedding, logits, probabilities


def deployment_chat(ask: Ask) -> Answer:
    """D: `{id, response}`, or a stream in one of the forms that clients must expect."""
    prompt = _checked(
        Prompt(tuple(chat.turns(ask.body["messages"])), limit=ask.body.get("max_new_tokens")), ask
    )
    reply = chat.reply_to(ask, prompt)
    number = f"chat-completion-{ask.token('id')}"
    whole = {"id": number, "response": reply.text}
    if not ask.body.get("streaming") or ask.profile == "json":
        return Answer(whole)
    return FORMS.get(ask.profile, FORMS["deltas"])(ask, number, reply)


def deployment_completion(ask: Ask) -> Answer:
    """D: the prompt goes in raw; the answer continues it."""
    reply = _completion(ask, ask.body.get("max_new_tokens"))
    return Answer({"id": f"completion-{ask.token('id')}", "response": reply.text})


def deployment_embeddings(ask: Ask) -> Answer:
    """D: the vectors of two sentences and the distances that were asked for."""
    one, other = embedding(ask.body["source_sentence"]), embedding(ask.body["target_sentence"])
    apart = [a - b for a, b in zip(one, other, strict=True)]
    scores = {
        "cosine": ("cosine_score", cosine(one, other)),
        "manhattan": ("manhattan_distance", sum(map(abs, apart))),
        "euclidean": ("euclidean_distance", sum(x * x for x in apart) ** 0.5),
    }
    asked = {name: round(value, 6) for key, (name, value) in scores.items() if ask.body.get(key)}
    response = {"embeddings": {"text1": one, "text2": other}} | asked
    return Answer({"id": f"embedding-{ask.token('id')}", "response": response})


def deployment_classification(ask: Ask) -> Answer:
    """D: the name of the likeliest class."""
    scores = logits(ask.body["source_sentence"])
    label = max(LABELS, key=lambda name: scores[name])
    return Answer({"id": f"classification-{ask.token('id')}", "response": label})


def current_chat(ask: Ask) -> Answer:
    """C: OpenAI-like; `refusal` sits on the choice, and numbers may be floats."""
    body = ask.body
    limit = body.get("max_tokens", body.get("max_completion_tokens"))
    prompt = _checked(chat.prompt_from(body, limit=limit), ask)
    reply = chat.reply_to(ask, prompt)
    number = f"chatcmpl-{ask.token('id')}"
    if body.get("stream"):
        return stream([*chunks(ask, number, body["model"], reply), DONE])
    message: JsonObject = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {"id": call_id(ask, n), "type": "function", "function": vars(call)}
            for n, call in enumerate(reply.calls)
        ]
    floats = reply.prompt_tokens % 2 == 1
    return Answer(
        {
            "id": number,
            "object": "chat.completion",
            "created": CREATED,
            "model": body["model"],
            "choices": [
                {
                    "index": 0.0 if floats else 0,
                    "message": message,
                    "refusal": None,
                    "finish_reason": reply.finish,
                }
            ],
            "usage": _usage(reply, floats=floats)
            | {
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 0,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
            },
            "service_tier": "default",
            "system_fingerprint": "fp_0a1b2c3d4e",
        }
    )


def current_completion(ask: Ask) -> Answer:
    """C: a continuation of the prompt."""
    reply = _completion(ask, ask.body.get("max_completion_tokens"))
    choice = {
        "index": 0,
        "text": reply.text,
        "logprobs": None,
        "prompt_logprobs": None,
        "stop_reason": None,
        "finish_reason": reply.finish,
    }
    usage = _usage(reply, floats=False) | {"prompt_tokens_details": None}
    return Answer(
        {
            "id": f"cmpl-{ask.token('id')}",
            "object": "text_completion",
            "created": CREATED,
            "model": ask.body["model"],
            "choices": [choice],
            "usage": usage,
        }
    )


def current_embeddings(ask: Ask) -> Answer:
    """C: vectors by position, and nothing else."""
    given = ask.body["input"]
    texts = [given] if isinstance(given, str) else given
    return Answer({"data": [{"embedding": embedding(text)} for text in texts]})


def current_classification(ask: Ask) -> Answer:
    """C: logits, or probabilities; `model` is the id of the deployment."""
    text, form = ask.body["input"], ask.body.get("data_format", "logits")
    scores = probabilities(text) if form == "probs" else logits(text)
    size = count_tokens(text)
    usage = {
        "completion_tokens": 0,
        "prompt_tokens": size,
        "prompt_token_details": None,
        "total_tokens": size,
    }
    return Answer(
        {
            "id": f"classify-{ask.token('id')}",
            "model": "dp-12345",
            "data": [{"index": 0, form: scores}],
            "usage": usage,
        }
    )


MODELS = (
    {
        "name": "Llama-3.2-1B-Instruct",
        "type": "completion",
        "parameter_template": {"max_new_tokens": 512, "temperature": 0.7},
        "support_serverless": False,
    },
    {
        "name": "Llama-3.2-3B-Instruct",
        "type": "chat",
        "parameter_template": {},
        "support_serverless": True,
    },
    {
        "name": "emissary-model-router-shared",
        "type": "classification",
        "parameter_template": {},
        "support_serverless": True,
    },
)


def models(_: Ask) -> Answer:
    """A bare array."""
    return Answer(list(MODELS))


def one_model(ask: Ask) -> Answer:
    """One entry of the list."""
    name = ask.place["name"]
    found = next((model for model in MODELS if model["name"] == name), None)
    if found is None:
        raise RefusedError(emissary_errors.no_model(name))
    return Answer(found)


def _checked(prompt: Prompt, ask: Ask) -> Prompt:
    model = ask.body.get("model") or ask.place["deployment_id"]
    if complaint := chat.too_long(prompt, model):
        raise RefusedError(Refusal(400, f"Bad request: {complaint}"))
    if problem := chat.misplaced(ask.body.get("messages", [])):
        raise RefusedError(emissary_errors.wrong_field(problem))
    return prompt


def _completion(ask: Ask, limit: int | None) -> Reply:
    prompt = Prompt((Message("user", ask.body["prompt"]),), limit=limit)
    reply = chat.reply_to(ask, _checked(prompt, ask))
    return chat.continued(reply, ask.body["prompt"])


def _usage(reply: Reply, *, floats: bool) -> JsonObject:
    number: Callable[[int], float] = float if floats else int
    return {
        "prompt_tokens": number(reply.prompt_tokens),
        "completion_tokens": number(reply.completion_tokens),
        "total_tokens": number(reply.prompt_tokens + reply.completion_tokens),
    }


_DEPLOYMENT = "/v1/projects/{project_id}/deployments/{deployment_id}"


def _post(path: str, answer: Callable[[Ask], Answer], **shapes: Shape) -> Operation:
    return Operation("POST", path, answer, {DOCUMENTED: shapes.pop("takes"), **shapes})


SERVICE = Service(
    name="emissary",
    operations=(
        _post(f"{_DEPLOYMENT}/chat/completions", deployment_chat, takes=fields.DEPLOYMENT_CHAT),
        _post(
            f"{_DEPLOYMENT}/completions", deployment_completion, takes=fields.DEPLOYMENT_COMPLETION
        ),
        _post(
            f"{_DEPLOYMENT}/embeddings", deployment_embeddings, takes=fields.DEPLOYMENT_EMBEDDINGS
        ),
        _post(
            f"{_DEPLOYMENT}/classification",
            deployment_classification,
            takes=fields.DEPLOYMENT_CLASSIFICATION,
        ),
        _post("/v1/chat/completions", current_chat, takes=fields.CHAT, native=fields.NATIVE_CHAT),
        _post("/v1/completions", current_completion, takes=fields.COMPLETION),
        _post("/v1/embeddings", current_embeddings, takes=fields.EMBEDDINGS),
        _post("/v1/classification", current_classification, takes=fields.CLASSIFICATION),
        Operation("GET", "/v1/models", models),
        Operation("GET", "/v1/models/{name}", one_model),
    ),
    authorised=emissary_errors.authorised,
    failure=emissary_errors.failure,
    wrong_field=emissary_errors.wrong_field,
    no_model=emissary_errors.no_model,
    bad_json=emissary_errors.bad_json,
    stream_error={"status": 500, "error": "The deployment stopped answering."},
    profiles=("native", "json", *FORMS),
    shapes=("text",),
)
