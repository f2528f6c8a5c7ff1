"""The request fields of Atoma, as its document and the engine behind it take them."""

from __future__ import annotations

from emissary_emulator.shapes import (
    anything,
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

_CONTENT = either(
    text(),
    listed(
        tagged(
            "type",
            {
                "text": record({"type*": one_of("text"), "text*": text()}),
                "image_url": record(
                    {
                        "type*": one_of("image_url"),
                        "image_url*": record({"url*": text(least=1), "detail": nullable(text())}),
                    }
                ),
            },
        ),
        least=1,
    ),
)
_FUNCTION_CALL = record(
    {
        "id*": text(least=1),
        "type*": one_of("function"),
        "function*": record({"name*": text(least=1), "arguments*": text()}),
    }
)
_SAID = {"content*": _CONTENT, "name": nullable(text())}
MESSAGES = listed(
    tagged(
        "role",
        {
            "system": record({"role*": one_of("system")} | _SAID),
            "developer": record({"role*": one_of("developer")} | _SAID),
            "user": record({"role*": one_of("user")} | _SAID),
            "assistant": record(
                {
                    "role*": one_of("assistant"),
                    "refusal": nullable(text()),
                    "tool_calls": listed(_FUNCTION_CALL, least=1),
                    "reasoning_content": nullable(text()),
                }
                | _SAID
            ),
            "tool": record(
                {"role*": one_of("tool"), "content*": _CONTENT, "tool_call_id*": text(least=1)}
            ),
        },
    ),
    least=1,
)
_SAMPLING = {
    "frequency_penalty": nullable(number(-2, 2)),
    "presence_penalty": nullable(number(-2, 2)),
    "temperature": nullable(number(0, 2)),
    "top_p": nullable(number(0, 1)),
    "n": nullable(integer(1)),
    "seed": nullable(integer()),
    "stop": nullable(listed(text(), most=4)),
    "stream": nullable(flag()),
    "stream_options": nullable(record({"include_usage": nullable(flag())})),
    "logit_bias": nullable(mapping(number(-100, 100), r"[0-9]+")),
    "max_tokens": nullable(integer(1)),
    "max_completion_tokens": nullable(integer(1)),
    "user": nullable(text()),
}
_TOOL = record(
    {
        "type*": one_of("function"),
        "function*": record(
            {
                "name*": text(least=1),
                "description": nullable(text()),
                "parameters": nullable(mapping(anything())),
                "strict": nullable(flag()),
            }
        ),
    }
)


_NAMED = record({"type*": one_of("function"), "function*": record({"name*": text(least=1)})})
_FORMAT = tagged(
    "type",
    {
        "text": record({"type*": one_of("text"), "json_schema": nullable(anything())}),
        "json_object": record(
            {"type*": one_of("json_object"), "json_schema": nullable(anything())}
        ),
        "json_schema": record(
            {
                "type*": one_of("json_schema"),
                "json_schema*": record(
                    {
                        "name*": text(least=1),
                        "schema": record({}, open_ended=True),
                        "description": nullable(text()),
                        "strict": nullable(flag()),
                    }
                ),
            }
        ),
    },
)
_CHAT = _SAMPLING | {
    "model*": text(least=1),
    "messages*": MESSAGES,
    "tools": nullable(listed(_TOOL, least=1)),
    "parallel_tool_calls": nullable(flag()),
    "functions": nullable(listed(anything())),
    "function_call": anything(),
    "response_format": nullable(_FORMAT),
    "logprobs": nullable(flag()),
    "top_logprobs": nullable(integer(0, 20)),
    "service_tier": nullable(one_of("auto", "default")),
}
#: The engine takes `required` too, which the document does not list.
CHAT = record(_CHAT | {"tool_choice": nullable(either(one_of("none", "auto", "required"), _NAMED))})
#: The document to the letter (the profile `spec`).
SPEC_CHAT = record(_CHAT | {"tool_choice": nullable(either(one_of("none", "auto"), _NAMED))})
COMPLETION = record(
    _SAMPLING
    | {
        "model*": text(least=1),
        "prompt*": either(text(), listed(either(text(), integer(0), listed(integer(0))), least=1)),
        "best_of": nullable(integer(1)),
        "echo": nullable(flag()),
        "logprobs": nullable(integer(0, 20)),
        "suffix": nullable(text()),
    }
)
EMBEDDINGS = record(
    {
        "model*": text(least=1),
        "input*": text(),
        "user": nullable(text()),
        "encoding_format": nullable(one_of("float")),
        "dimensions": nullable(integer(1)),
    }
)
