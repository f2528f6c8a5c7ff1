"""The request fields of Orq: the current API (C) and the seed's part of it (S)."""

from __future__ import annotations

from emissary_emulator.shapes import (
    Shape,
    anything,
    count,
    either,
    flag,
    integer,
    listed,
    mapping,
    nullable,
    number,
    one_of,
    record,
    tagged,
    text,
)

_NAME = r"[A-Za-z0-9_-]+"
_CACHE_CONTROL = record({"type*": one_of("ephemeral"), "ttl": one_of("5m", "1h")})
_TEXT = {"type*": one_of("text"), "text*": text()}
_IMAGE = {
    "type*": one_of("image_url"),
    "image_url*": record({"url*": text(least=1), "detail": one_of("low", "high", "auto")}),
}
_CACHED = {"cache_control": _CACHE_CONTROL}
_AUDIO = record(
    {
        "type*": one_of("input_audio"),
        "input_audio*": record({"data*": text(), "format*": one_of("mp3", "wav")}),
    }
)
_FILE = record(
    {
        "type*": one_of("file"),
        "file*": record(
            {"file_data": text(), "uri": text(), "mimeType": text(), "filename": text()}
        ),
    }
    | _CACHED
)
_CALL = record(
    {
        "id*": text(least=1),
        "type*": one_of("function"),
        "function*": record({"name*": text(least=1), "arguments*": text()}),
        "thought_signature": text(),
    }
)


def _content(**parts: Shape) -> Shape:
    return either(text(), listed(tagged("type", parts), least=1))


def _said(role: str, content: Shape, **more: Shape) -> Shape:
    return record({"role*": one_of(role), "content*": content, "name": text()} | more)


_ANY_TEXT = _content(text=record(_TEXT | _CACHED))
_ASSISTANT_PARTS = _content(
    text=record(_TEXT | _CACHED),
    refusal=record({"type*": one_of("refusal"), "refusal": text()}),
    reasoning=record({"type*": one_of("reasoning"), "reasoning*": text(), "signature*": text()}),
    redacted_reasoning=record({"type*": one_of("redacted_reasoning"), "data*": text()}),
)
_ASSISTANT = record(
    {
        "role*": one_of("assistant"),
        "content": nullable(_ASSISTANT_PARTS),
        "refusal": nullable(text()),
        "name": text(),
        "audio": nullable(record({"id*": text()})),
        "tool_calls": listed(_CALL, least=1),
        "reasoning_content": text(),
    }
)
_ROLES = {
    "system": _said("system", _content(text=record(_TEXT | _CACHED), image_url=record(_IMAGE))),
    "developer": _said("developer", _ANY_TEXT),
    "user": _said(
        "user",
        _content(
            text=record(_TEXT | _CACHED),
            image_url=record(_IMAGE | _CACHED),
            input_audio=_AUDIO,
            file=_FILE,
        ),
    ),
    "assistant": _ASSISTANT,
    "tool": record(
        {
            "role*": one_of("tool"),
            "content*": _content(text=record(_TEXT | _CACHED), image_url=record(_IMAGE)),
            "tool_call_id*": nullable(text()),
            "cache_control": _CACHE_CONTROL,
        }
    ),
}
MESSAGES = listed(tagged("role", _ROLES), least=1)
_SEED_ROLES = {role: _ROLES[role] for role in ("system", "user", "assistant", "tool")}
_PARAMETERS = record(
    {"type*": one_of("object"), "properties*": mapping(anything())}, open_ended=True
)
_FUNCTION = record(
    {
        "name*": text(_NAME, most=64),
        "description": text(),
        "strict": nullable(flag()),
        "parameters": _PARAMETERS,
    }
)
_TOOL_CHOICE = either(
    one_of("none", "auto", "required"),
    record({"type": one_of("function"), "function*": record({"name*": text(least=1)})}),
)
RESPONSE_FORMAT = tagged(
    "type",
    {
        "text": record({"type*": one_of("text")}),
        "json_object": record({"type*": one_of("json_object")}),
        "json_schema": record(
            {
                "type*": one_of("json_schema"),
                "json_schema*": record(
                    {
                        "name*": text(_NAME, most=64),
                        "schema": record({}, open_ended=True),
                        "strict": flag(),
                        "description": text(),
                    }
                ),
            }
        ),
    },
)
_THINKING = tagged(
    "type",
    {
        "disabled": record({"type*": one_of("disabled")}),
        "adaptive": record({"type*": one_of("adaptive")}),
        "enabled": record(
            {
                "type*": one_of("enabled"),
                "budget_tokens*": number(1),
                "thinking_level": one_of("minimal", "low", "medium", "high"),
            }
        ),
    },
)
_MODELS = listed(record({"model*": text(least=1)}))
_ROUTING = {
    "name": text(),
    "fallbacks": _MODELS,
    "retry": record({"count": count(1, 5), "on_codes": listed(count(100, 599), least=1)}),
    "cache": record({"type*": one_of("exact_match"), "ttl": number(1, 259200)}),
    "load_balancer": record(
        {
            "type*": one_of("weight_based"),
            "models*": listed(record({"model*": text(least=1), "weight": number(0.001, 1)})),
        }
    ),
    "timeout": record({"call_timeout*": number(1)}),
}
_IDENTITY = record({"id*": text()}, open_ended=True)
_ORQ = record(
    {
        **_ROUTING,
        "prompt": record({"id*": text(), "version*": one_of("latest")}),
        "identity": _IDENTITY,
        "contact": _IDENTITY,
        "thread": record({"id*": text(), "tags": listed(text())}),
        "inputs": either(
            mapping(anything()),
            listed(record({"key*": text(), "value": anything(), "is_pii": flag()})),
        ),
        "knowledge_bases": listed(record({"knowledge_id*": text()}, open_ended=True)),
    }
)
_PLUGINS = listed(
    record({"id*": one_of("pii_redaction", "response_healing", "trace_scrubbing")}, open_ended=True)
)
_STOP = nullable(either(text(), listed(text(), most=4)))
_PENALTY = nullable(number(-2, 2))
_SEED = {
    "model*": text(least=1),
    "messages*": MESSAGES,
    "frequency_penalty": _PENALTY,
    "presence_penalty": _PENALTY,
    "max_tokens": nullable(count(1)),
    "temperature": nullable(number(0, 2)),
    "top_p": nullable(number(0, 1)),
    "seed": nullable(number()),
    "stream": nullable(flag()),
    "tools": listed(record({"type": one_of("function"), "function*": _FUNCTION}), least=1),
}
#: The seed's fields and no others (the profile `seed-strict`).
SEED_CHAT = record(
    _SEED
    | {
        "messages*": listed(tagged("role", _SEED_ROLES), least=1),
        "tools": listed(record({"type*": one_of("function"), "function*": _FUNCTION}), least=1),
    }
)
CHAT = record(
    _SEED
    | _ROUTING
    | {
        "max_completion_tokens": nullable(count(1)),
        "top_k": nullable(number()),
        "stream_options": nullable(record({"include_usage": flag()})),
        "stop": _STOP,
        "n": nullable(count(1)),
        "logprobs": nullable(flag()),
        "top_logprobs": nullable(count(0, 20)),
        "tool_choice": _TOOL_CHOICE,
        "parallel_tool_calls": flag(),
        "response_format": RESPONSE_FORMAT,
        "reasoning_effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        "thinking": _THINKING,
        "verbosity": text(),
        "prompt_cache_key": text(),
        "metadata": mapping(text(most=512), r".{1,64}", most=16),
        "modalities": nullable(listed(one_of("text", "audio"))),
        "audio": nullable(
            record(
                {
                    "voice*": one_of("alloy", "echo", "fable", "onyx", "nova", "shimmer"),
                    "format*": one_of("wav", "mp3", "flac", "opus", "pcm16"),
                }
            )
        ),
        "guardrails": listed(record({"id*": text(), "execute_on*": one_of("input", "output")})),
        "plugins": _PLUGINS,
        "variables": mapping(anything()),
        "cache_control": _CACHE_CONTROL,
        "orq": _ORQ,
    }
)
COMPLETION = record(
    _ROUTING
    | {
        "model*": text(least=1),
        "prompt*": either(text(), listed(text(), least=1)),
        "echo": nullable(flag()),
        "frequency_penalty": _PENALTY,
        "presence_penalty": _PENALTY,
        "max_tokens": nullable(count(1)),
        "seed": nullable(count()),
        "stop": _STOP,
        "stream": flag(),
        "temperature": nullable(number(0, 2)),
        "top_p": nullable(number(0, 1)),
        "n": nullable(count(1)),
        "user": text(),
        "thinking": nullable(_THINKING),
        "plugins": _PLUGINS,
        "orq": _ORQ,
    }
)
EMBEDDINGS = record(
    _ROUTING
    | {
        "model*": text(least=1),
        "input*": either(
            text(least=1),
            listed(either(text(least=1), listed(integer(0), least=1)), least=1),
        ),
        "encoding_format": one_of("float", "base64"),
        "dimensions": count(1),
        "user": text(),
        "orq": _ORQ,
    }
)
RERANK = record(
    _ROUTING
    | {
        "model*": text(least=1),
        "query*": text(),
        "documents*": listed(either(text(), mapping(text()))),
        "top_n": count(1),
        "return_documents": flag(),
        "filename": nullable(text()),
        "plugins": _PLUGINS,
        "orq": _ORQ,
    }
)
