"""From the flat parameters that frameworks hold to a service, settings and a call.

Both frameworks keep a model's parameters as fields and take more of them with each call. What is
the same for both is decided here: which of the two wins, what a name means, where it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from emissary_transport.service import Service
from emissary_transport.services import CHATS, EMBEDDINGS, ORQ_RERANK, TEXTS
from emissary_transport.settings import Settings, missing_key
from emissary_transport.types import Call, Message, Named, ToolChoice

Parameters: TypeAlias = Mapping[str, Any]
ServiceOf: TypeAlias = Callable[[Parameters], Service]
"""Which of a vendor's services the parameters mean."""
SettingsOf: TypeAlias = Callable[[Service, Parameters], Settings]
"""How a service is to be reached; see `settings_of` and `recalling`."""

LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_new_tokens"})
SETTINGS = frozenset(
    {
        "api_key",
        "base_url",
        "timeout",
        "stall_timeout",
        "max_retries",
        "retry_timeouts",
        "headers",
        "allow_http",
    }
)
IDS = frozenset({"project_id", "deployment_id"})
CALL_WORDS = frozenset(
    {
        "model",
        "max_tokens",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "usage",
        "stream_mode",
        "tool_calling",
        "extra_body",
        *IDS,
    }
)
_NO_OPTIONS = CALL_WORDS | SETTINGS
CHAT_WORDS = ("tools", "tool_choice", "parallel_tool_calls", "response_format")
"""What only a conversation can have."""
BODY_NAMES = {"router_timeout": "timeout", "router_metadata": "metadata"}
"""Fields of a body that go by another name here, where theirs means something else."""

_SERVICES = (*CHATS, *TEXTS, *(each.service for each in EMBEDDINGS), ORQ_RERANK)
VOCABULARY = CALL_WORDS.union(*(service.fields for service in _SERVICES))
"""Every word that means something to one service or another."""


@dataclass(slots=True)
class Asked:
    """A call, and whom to put it to; not frozen, as in `types`."""

    service: Service
    settings: Settings
    call: Call


def merged(model: Parameters, call: Parameters) -> dict[str, Any]:
    """A model's parameters with a call's over them; None in the call unsets.

    An output limit given with the call replaces the model's, whichever names they go by, and so
    does a model or deployment. An address can be replaced, but not be unset.

    >>> merged({"max_tokens": 9, "seed": 1}, {"max_new_tokens": 5, "seed": None})
    {'max_new_tokens': 5}
    """
    model = _told_apart(model)
    if not call:
        return {name: value for name, value in model.items() if value is not None}
    call = _told_apart(call)
    told = {name: value for name, value in {**model, **call}.items() if value is not None}
    for name in _displaced(call) - call.keys():
        told.pop(name, None)
    if "base_url" in model:
        told.setdefault("base_url", model["base_url"])
    return told


def _displaced(call: Parameters) -> set[str]:
    """Which of a model's parameters a call puts something else in the place of."""
    displaced: set[str] = set()
    if LIMITS & call.keys():
        displaced |= LIMITS
    if call.get("model") is not None:
        displaced |= IDS
    if call.get("deployment_id") is not None:
        displaced.add("model")
    return displaced


def _told_apart(given: Parameters) -> Parameters:
    """The parameters, with a `timeout` that is a service's own field under a name of its own."""
    timeout = given.get("timeout")
    if timeout is None or not isinstance(timeout, Mapping):
        return given
    return {("router_timeout" if name == "timeout" else name): given[name] for name in given}


def settings_of(service: Service, given: Parameters) -> Settings:
    """How the service is to be reached.

    Raises:
        ValueError: There is no key.
    """
    if not given.get("api_key"):
        raise missing_key(service)
    told = {name: given[name] for name in SETTINGS & given.keys()}
    return Settings(**{"base_url": service.base_url, **told})


def asked(
    service_of: ServiceOf,
    given: Parameters,
    said: Sequence[Message] | str,
    *,
    stream: bool,
    settings_of: SettingsOf = settings_of,
) -> Asked:
    """What the parameters ask for.

    Args:
        service_of: Tells the service.
        given: Parameters by their documented names, none of them None.
        said: The conversation, or a bare prompt.
        stream: Whether to ask for a stream on the wire.
        settings_of: Tells how the service is to be reached.

    Raises:
        ValueError: A parameter is none of the service's, or has a value that can't be meant.
    """
    service = service_of(given)
    return Asked(service, settings_of(service, given), call_of(given, said, stream))


def call_of(given: Parameters, said: Sequence[Message] | str, stream: bool) -> Call:
    """The call that the parameters describe; see `asked`."""
    if isinstance(said, str) and (unfit := [name for name in CHAT_WORDS if given.get(name)]):
        raise ValueError(f"Text completion has no {' and no '.join(unfit)}: use a chat model.")
    return Call(
        messages=() if isinstance(said, str) else tuple(said),
        prompt=said if isinstance(said, str) else None,
        model=given.get("model", ""),
        path={name: given[name] for name in IDS if name in given},
        stream=stream,
        usage=given.get("usage", True),
        max_tokens=given.get("max_tokens"),
        stop=stop_sequences(given.get("stop")),
        tools=tuple(given.get("tools") or ()),
        tool_choice=tool_choice_of(given.get("tool_choice")),
        parallel_tool_calls=given.get("parallel_tool_calls"),
        response_format=given.get("response_format"),
        options={
            BODY_NAMES.get(name, name): value
            for name, value in given.items()
            if name not in _NO_OPTIONS
        },
        extra_body=given.get("extra_body", {}),
        stream_mode=given.get("stream_mode", "auto"),
    )


def stop_sequences(stop: Any) -> tuple[str, ...]:
    """Stop sequences from a string, a list, or nothing.

    Raises:
        ValueError: One is empty or no string.
    """
    if stop is None:
        return ()
    sequences = tuple(stop) if isinstance(stop, (list, tuple)) else (stop,)
    if not all(isinstance(sequence, str) and sequence for sequence in sequences):
        raise ValueError("stop must be a non-empty string or a list of them.")
    return sequences


_TOOL_CHOICES: Mapping[Any, ToolChoice | None] = {
    False: None,
    True: "required",
    "any": "required",
    "required": "required",
    "auto": "auto",
    "none": "none",
}


def tool_choice_of(choice: Any) -> ToolChoice | None:
    """A tool choice from any of the forms that users know.

    >>> tool_choice_of("any"), tool_choice_of("get_weather")
    ('required', Named(name='get_weather'))
    >>> tool_choice_of({"type": "function", "function": {"name": "get_weather"}})
    Named(name='get_weather')

    Raises:
        ValueError: It is none of them.
    """
    if choice is None or isinstance(choice, Named):
        return choice
    if isinstance(choice, (str, bool)):
        return _TOOL_CHOICES[choice] if choice in _TOOL_CHOICES else Named(str(choice))
    if isinstance(choice, Mapping):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, Mapping) else choice.get("name")
        if isinstance(name, str) and name:
            return Named(name)
        if choice.get("type") in {"auto", "any", "none", "required"}:
            return _TOOL_CHOICES[choice["type"]]
    raise ValueError(
        "tool_choice must be 'auto', 'none', 'any' or 'required', a tool's name, a bool, or "
        f'{{"type": "function", "function": {{"name": ...}}}}, not {choice!r}.'
    )


def sorted_out(unknown: Parameters) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a user added by hand, as what is checked like the rest and what is sent as it is.

    A word that means something to another service is not sent on blindly: it will be refused with
    a clear error, where the service does not document it.
    """
    known = {name: value for name, value in unknown.items() if name in VOCABULARY}
    return known, {name: value for name, value in unknown.items() if name not in known}
