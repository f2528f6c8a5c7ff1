"""One call's way to its answer: mostly one request, two where a required tool call did not come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emissary_transport.errors import MissingToolCall
from emissary_transport.prompted import (
    PromptedJson,
    PromptedTools,
    asked_again,
    prompted_call,
    with_instructions,
)
from emissary_transport.reading import Reader
from emissary_transport.service import Service, call_body
from emissary_transport.types import Call, Delta, Json, Named, Usage

_REQUIRED = "You must call at least one of the functions now; do not answer in plain text."


class RequiredCall:
    """A filter that lets an answer through once a tool call has come in it."""

    def __init__(self) -> None:
        self._held: list[Delta] = []
        self.missing = True

    def feed(self, delta: Delta) -> list[Delta]:
        """Keep the delta until there is a call."""
        if not self.missing:
            return [delta]
        self._held.append(delta)
        if not delta.tool_fragments:
            return []
        self.missing = False
        return self._held

    def close(self) -> list[Delta]:
        """Give nothing: an answer without a call is not the answer."""
        return []


class Exchange:
    """A call, the request that it takes now, and whether it has been answered.

    Raises:
        ValueError: The call asks for something that can't be sent; nothing was sent.
    """

    def __init__(self, service: Service, call: Call) -> None:
        self.answered = False
        self._service = service
        self._call = _with_valid_tools(service, call)
        self._sent, self._is_forced = self._as_sent(self._call)
        self._asked_again = False
        self._reader: Reader | None = None
        self._spent: Usage | None = None
        self._required: RequiredCall | None = None
        self._prompted: PromptedTools | None = None
        self.body: Json = call_body(service, self._sent)

    @property
    def url_path(self) -> str:
        """The documented path of the operation."""
        return self._service.path

    @property
    def ids(self) -> Mapping[str, str]:
        """The ids in that path."""
        return self._call.path

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for on the wire."""
        return self._call.stream and self._service.stream is not None

    def reader(self, content_type: str) -> Reader:
        """A reader for the answer to the request as it is now."""
        self._prompted, json_filter = self._prompt_filters()
        self._required = RequiredCall() if self._is_forced else None
        self._reader = Reader(
            self._service,
            content_type,
            streamed=self.streams,
            stop=self._call.stop,
            filters=[part for part in (self._prompted, json_filter, self._required) if part],
            stream_mode=self._call.stream_mode,
            choices=self._call.options.get("n") or 1,
            spent=self._spent,
        )
        return self._reader

    def settle(self) -> None:
        """Take the end of an answer: the call is answered, or has to be asked for once more.

        Raises:
            MissingToolCall: A required tool call did not come the second time either.
        """
        if self._required is None or not self._required.missing:
            self.answered = True
            return
        if self._asked_again:
            raise MissingToolCall(
                f"{self._service.title} was asked twice for a tool call and answered without one. "
                f"{MissingToolCall.advice}",
                service=self._service.name,
            )
        self._asked_again = True
        self._spent = self._reader.usage if self._reader else None
        self.body = call_body(self._service, self._once_more())

    def _as_sent(self, call: Call) -> tuple[Call, bool]:
        """The call as the service can take it, and whether its tool call is enforced here."""
        if self._service.tools == "prompted":
            forced = call.tool_choice == "required" or isinstance(call.tool_choice, Named)
            return prompted_call(call), bool(call.tools) and forced
        if call.tool_choice != "required" or "required" in self._service.tool_choices:
            return call, False
        if len(call.tools) == 1:
            return replace(call, tool_choice=Named(_name(call.tools[0]))), False
        messages = with_instructions(call.messages, _REQUIRED)
        return replace(call, tool_choice="auto", messages=messages), True

    def _once_more(self) -> Call:
        """The call after an answer without the tool call that it requires.

        A service that can only be made to call a tool by its name is told the last one, where a
        framework puts the tool that an answer in shape goes to.
        """
        if self._prompted:
            return prompted_call(asked_again(self._call, self._prompted.text_held))
        return replace(self._call, tool_choice=Named(_name(self._call.tools[-1])))

    def _prompt_filters(self) -> tuple[PromptedTools | None, PromptedJson | None]:
        call = self._call
        if self._service.tools != "prompted":
            return None, None
        tools = None
        if call.tools and call.tool_choice != "none":
            tools = PromptedTools(
                frozenset(map(_name, call.tools)),
                forced=call.tool_choice if self._is_forced else None,
                parallel=call.parallel_tool_calls is not False,
            )
        wants_json = call.response_format and call.response_format.get("type") != "text"
        return tools, PromptedJson() if wants_json else None


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool["function"]["name"])


def _with_valid_tools(service: Service, call: Call) -> Call:
    """The call, if its tools have names and its choice names one of them."""
    if not call.tools and call.tool_choice is None:
        return call
    for tool in call.tools:
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not function.get("name"):
            kind = tool.get("type", "one without type") if isinstance(tool, Mapping) else tool
            raise ValueError(
                f"{service.title} takes tools of the form "
                f'{{"type": "function", "function": {{"name": ...}}}}, not {kind!r}.'
            )
    names = [_name(tool) for tool in call.tools]
    if isinstance(call.tool_choice, Named) and call.tool_choice.name not in names:
        raise ValueError(
            f"tool_choice names {call.tool_choice.name!r}, which is none of the tools: "
            f"{', '.join(names) or 'there are none'}."
        )
    if call.tool_choice == "required" and not names:
        raise ValueError("tool_choice asks for a tool call, but there are no tools.")
    return call
