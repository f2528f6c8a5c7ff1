"""What a service is: facts about its wire, and hooks where it differs from the common form."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from emissary_transport.errors import ServiceError
from emissary_transport.fields import Field
from emissary_transport.secrecy import Secret
from emissary_transport.types import Call, Json, Message, Named, ToolCall

OPERATIONS = ("/completions", "/embeddings", "/rerank")
"""What the paths of operations end in, and no base URL does."""
ALL_TOOL_CHOICES = frozenset({"auto", "none", "required", "named"})


def common_message(message: Message) -> Json:
    """A message in the form that OpenAI made common."""
    body: Json = {"role": message.role}
    if message.content or not message.tool_calls:
        body["content"] = common_content(message.content)
    if message.name and message.role != "tool":
        body["name"] = message.name
    if message.refusal is not None:
        body["refusal"] = message.refusal
    if message.tool_calls:
        body["tool_calls"] = [common_tool_call(call) for call in message.tool_calls]
    if message.role == "tool":
        body["tool_call_id"] = message.tool_call_id
    return body


def common_content(content: str | tuple[Mapping[str, Any], ...]) -> str | list[Json]:
    """Text as a string where it is one, else the list of parts."""
    if isinstance(content, str):
        return content
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return str(content[0]["text"])
    return [dict(part) for part in content] or ""


def common_tool_call(call: ToolCall) -> Json:
    """A tool call of an assistant's turn."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def common_tool(tool: Mapping[str, Any]) -> Json:
    """A tool as the caller gave it."""
    return dict(tool)


ErrorClass: TypeAlias = Callable[[int, "str | None", str], "type[ServiceError] | None"]
"""From status, code and message to the error class, or None where the status says it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service as a value: no I/O, clock, sleep or environment inside.

    The defaults are those of an OpenAI-like service with everything documented.
    """

    name: str
    """The word for it in `model_provider` and errors, such as `orq`."""
    title: str
    """The word for it in sentences, such as `Orq`."""
    base_url: str
    key_env: tuple[str, ...]
    """Environment variables that may hold the key; the first one found wins."""
    base_url_env: str
    prefix: str
    """The version part of the paths, which a base URL may end in already."""
    aliases: re.Pattern[str] | None = None
    """Other version parts that a base URL may end in."""
    path: str = "/chat/completions"
    """The path of its answers, below the prefix."""
    takes: Literal["messages", "prompt"] = "messages"
    key_header: str = "Authorization"
    key_scheme: str = "Bearer "

    fields: Mapping[str, Field] = field(default_factory=dict)
    """The documented fields of a request beside those that `Call` has words for."""
    max_tokens: str = "max_tokens"
    """The field that an output limit goes into."""
    max_tokens_fields: frozenset[str] = frozenset({"max_tokens", "max_completion_tokens"})
    """Fields that are an output limit; one set by its own name replaces `max_tokens`."""
    stream: str | None = "stream"
    """The field that asks for a stream, or None where it can't be asked for."""
    stream_usage: bool = False
    """Whether `stream_options` exists, to ask for usage with."""
    model_in_body: bool = True
    stop: int = 0
    """How many stop sequences the service takes; the rest is done here."""
    tools: Literal["native", "prompted"] = "native"
    tool_choices: frozenset[str] = ALL_TOOL_CHOICES
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which content parts each role may hold; a role that is not here is not sent."""
    loose_streams: bool = False
    """No source says how it streams: read every form in which an answer may come."""

    message: Callable[[Message], Json] = common_message
    tool: Callable[[Mapping[str, Any]], Json] = common_tool
    error_class: ErrorClass = lambda _status, _code, _message: None
    """Where a status, code and message mean something else than the status alone."""

    def root(self, base_url: str) -> str:
        """The base URL without slash and version part.

        Raises:
            ValueError: It is no http or https URL that paths can be appended to.
        """
        base_url = base_url.strip()
        if not _names_a_host(base_url):
            raise ValueError(
                f"base_url for {self.title} must start with http:// or https:// and name a host, "
                f"for example {self.base_url}."
            )
        if "?" in base_url or "#" in base_url:
            raise ValueError(f"base_url for {self.title} can't hold a query or a fragment.")
        if "@" in urlsplit(base_url).netloc:
            raise ValueError(
                f"base_url for {self.title} can't hold a user name or password, which would be "
                "shown in logs: send them as a header."
            )
        root = base_url.rstrip("/")
        if root.endswith(OPERATIONS):
            raise ValueError(
                f"base_url for {self.title} must be the root of the service, not the address of "
                f"one operation: for example {self.base_url}."
            )
        return root

    def url(self, base_url: str, path: str, ids: Mapping[str, str] | None = None) -> str:
        """The address of an operation, with the ids percent-encoded into its path.

        Raises:
            ValueError: The base URL is none, or an id can't be a segment of a path.
        """
        root = self.root(base_url)
        encoded = {name: _segment(name, value) for name, value in (ids or {}).items()}
        base_path = urlsplit(root).path
        if self.aliases and self.aliases.search(base_path):
            return root + path.format_map(encoded)
        segments = self.prefix.strip("/").split("/")
        if self.aliases and self.aliases.search(f"{base_path}/{segments[-1]}"):
            return f"{root}/{segments[-1]}{path.format_map(encoded)}"
        for count in range(len(segments), 0, -1):
            if base_path.endswith("/" + "/".join(segments[:count])):
                rest = "".join(f"/{segment}" for segment in segments[count:])
                return root + rest + path.format_map(encoded)
        return root + self.prefix + path.format_map(encoded)

    def bare_key(self, api_key: str) -> Secret:
        """The key without the scheme word that it may have already."""
        key = Secret(api_key.strip())
        if self.key_scheme and f"{key} ".lower().startswith(self.key_scheme.lower()):
            key = Secret(key[len(self.key_scheme) :].strip())
        return key

    def key_headers(self, api_key: str) -> dict[str, str]:
        """The header that carries the key; a scheme word that it has already is not doubled.

        Raises:
            ValueError: The key can't be a header's value. The message does not hold it.
        """
        api_key = key = self.bare_key(api_key)
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError(
                f"The API key for {self.title} is empty or holds a character that can't be sent."
            )
        return {self.key_header: Secret(self.key_scheme + key)}


@functools.lru_cache(maxsize=64)
def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    is_clean = not re.search(r"\s", parts.netloc)
    return parts.scheme in {"http", "https"} and bool(host) and port != 0 and is_clean


def _segment(name: str, value: str) -> str:
    """An id as one segment of a path, which nothing in it can end or lead out of."""
    if not isinstance(value, str) or not value.strip() or re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError(f"{name} must be a non-empty id, not {value!r}.")
    if any(part.strip() in {".", ".."} for part in re.split(r"[/\\]", unquote(value))):
        raise ValueError(f"{name} must be an id, not a path: {value!r}.")
    return quote(value, safe="")


def call_body(service: Service, call: Call) -> Json:
    """The JSON body of a request: only what is set, under the service's own names.

    Raises:
        ValueError: Something is asked for that the service has no place for.
    """
    body: Json = {}
    if service.model_in_body:
        if not call.model:
            raise ValueError(f"{service.title} needs a model: set `model`.")
        body["model"] = call.model
    body |= _said(service, call)
    body |= _options(service, call)
    body |= _tools(service, call)
    if call.response_format is not None:
        body["response_format"] = dict(call.response_format)
    if service.stop and 0 < len(call.stop) <= service.stop:
        body["stop"] = list(call.stop)
    if call.stream and service.stream:
        body[service.stream] = True
        if service.stream_usage and call.usage:
            body.setdefault("stream_options", {"include_usage": True})
    body.update(call.extra_body)
    return body


def _said(service: Service, call: Call) -> Json:
    if service.takes == "prompt":
        if not isinstance(call.prompt, str) or not call.prompt:
            raise ValueError(f"{service.title} needs one prompt: a string that is not empty.")
        return {"prompt": call.prompt}
    if not call.messages:
        raise ValueError(f"{service.title} needs at least one message.")
    return {"messages": [_message(service, message) for message in call.messages]}


def _message(service: Service, message: Message) -> Json:
    allowed = service.parts.get(message.role)
    if allowed is None:
        roles = ", ".join(service.parts)
        raise ValueError(f"{service.title} has no {message.role!r} messages, only {roles}.")
    if not isinstance(message.content, str):
        for part in message.content:
            if part.get("type") not in allowed:
                raise ValueError(
                    f"{service.title} takes no {part.get('type')!r} content in {message.role} "
                    f"messages, only {', '.join(sorted(allowed))}."
                )
    return service.message(message)


def checked_options(service: Service, given: Mapping[str, Any]) -> Json:
    """Documented fields as they go out; one that is None is left out.

    Raises:
        ValueError: A field is not documented, or the service would refuse its value.
    """
    options: Json = {}
    for name, value in given.items():
        if value is None:
            continue
        if name not in service.fields:
            documented = f"It has: {', '.join(sorted(service.fields))}. " if service.fields else ""
            raise ValueError(
                f"{service.title} documents no field {name!r}. {documented}"
                "To send it all the same, use extra_body."
            )
        options[name] = service.fields[name].checked(name, value)
    return options


def _options(service: Service, call: Call) -> Json:
    options = checked_options(service, call.options)
    if call.max_tokens is not None and not service.max_tokens_fields & options.keys():
        limit = service.fields[service.max_tokens]
        options[service.max_tokens] = limit.checked("max_tokens", call.max_tokens)
    if not call.stream:
        options.pop("stream_options", None)
    return options


def _tools(service: Service, call: Call) -> Json:
    if not call.tools:
        return {}
    body: Json = {"tools": [service.tool(tool) for tool in call.tools]}
    if isinstance(call.tool_choice, Named):
        body["tool_choice"] = {"type": "function", "function": {"name": call.tool_choice.name}}
    elif call.tool_choice is not None:
        body["tool_choice"] = call.tool_choice
    if call.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = call.parallel_tool_calls
    return body
