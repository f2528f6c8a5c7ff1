"""The request fields of Emissary: the deployment API (D) and the current one (C)."""

from __future__ import annotations

from emissary_emulator.shapes import (
    anything,
    either,
    flag,
    integer,
    listed,
    nullable,
    number,
    one_of,
    record,
    text,
)

MESSAGES = listed(
    record({"role*": one_of("system", "user", "assistant"), "content*": text()}), least=1
)
_SAMPLING = {"temperature": number(0), "top_p": number(0, 1), "top_k": integer(1)}
_DEPLOYED = _SAMPLING | {
    "max_new_tokens": integer(1),
    "no_repeat_ngram_size": integer(0),
    "do_sample": flag(),
}

DEPLOYMENT_CHAT = record({"messages*": MESSAGES, "streaming": flag()} | _DEPLOYED)
DEPLOYMENT_COMPLETION = record({"prompt*": text()} | _DEPLOYED)
DEPLOYMENT_EMBEDDINGS = record(
    {
        "source_sentence*": text(),
        "target_sentence*": text(),
        "cosine": flag(),
        "manhattan": flag(),
        "euclidean": flag(),
    }
)
DEPLOYMENT_CLASSIFICATION = record({"source_sentence*": text()})

_CHAT = {
    "model*": text(least=1),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "stream": flag(),
} | _SAMPLING
CHAT = record({"messages*": MESSAGES} | _CHAT)
COMPLETION = record(
    {"model*": text(least=1), "prompt*": text(), "max_completion_tokens": integer(1)} | _SAMPLING
)
EMBEDDINGS = record({"model*": text(least=1), "input*": either(text(), listed(text(), least=1))})
CLASSIFICATION = record(
    {"model*": text(least=1), "input*": text(), "data_format": one_of("logits", "probs")}
)

_FUNCTION = record(
    {
        "name*": text(least=1),
        "description": text(),
        "parameters": record({}, open_ended=True),
        "strict": flag(),
    }
)
_CALL = record(
    {
        "id*": text(),
        "type*": one_of("function"),
        "function*": record({"name*": text(), "arguments*": text()}),
    }
)
#: What no document lists: chat of a model that knows tools (the profile `native`).
NATIVE_CHAT = record(
    _CHAT
    | {
        "messages*": listed(
            record(
                {
                    "role*": one_of("system", "user", "assistant", "tool"),
                    "content": nullable(text()),
                    "tool_calls": listed(_CALL, least=1),
                    "tool_call_id": text(),
                }
            ),
            least=1,
        ),
        "tools": listed(record({"type*": one_of("function"), "function*": _FUNCTION}), least=1),
        "tool_choice": either(
            one_of("none", "auto", "required"),
            record({"type*": one_of("function"), "function*": record({"name*": text(least=1)})}),
        ),
        "parallel_tool_calls": flag(),
        "response_format": record(
            {"type*": one_of("text", "json_object", "json_schema"), "json_schema": anything()}
        ),
        "stop": either(text(), listed(text(), most=4)),
    }
)
