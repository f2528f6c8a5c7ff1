"""Answers in the shape of a schema: what to ask for, and how to read what comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal, TypeAlias

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

Schema: TypeAlias = "dict[str, Any] | type"
Method: TypeAlias = Literal["function_calling", "json_schema", "json_mode"]
ToolLike: TypeAlias = "dict[str, Any] | type | Callable[..., Any] | BaseTool"

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def structured_binding(schema: Schema | None, method: str, strict: bool | None) -> dict[str, Any]:
    """What to bind to a model, so that it answers in the shape of the schema.

    Raises:
        ValueError: The method is none, lacks its schema, or does not know `strict`.
    """
    if method not in {"function_calling", "json_schema", "json_mode"}:
        raise ValueError(
            f"method must be 'function_calling', 'json_schema' or 'json_mode', not {method!r}."
        )
    if method == "json_mode":
        if strict:
            raise ValueError("strict has no meaning with method='json_mode', which has no schema.")
        binding: dict[str, Any] = {"response_format": {"type": "json_object"}}
    elif schema is None:
        raise ValueError(f"method={method!r} needs a schema.")
    elif method == "json_schema":
        binding = {"response_format": as_response_format(schema, strict)}
    else:
        tool = convert_to_openai_tool(schema, strict=strict)
        choice = {"type": "function", "function": {"name": tool["function"]["name"]}}
        binding = {"tools": [tool], "tool_choice": choice}
    told = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    return binding | {"ls_structured_output_format": told}


def as_response_format(schema: Schema, strict: bool | None = None) -> dict[str, Any]:
    """A schema as the `response_format` that holds an answer to it.

    A dict that is a response format already is left as it is.
    """
    if isinstance(schema, Mapping) and schema.get("type") in {"text", "json_object", "json_schema"}:
        return dict(schema)
    converted = convert_to_json_schema(schema, strict=strict)
    name = _NO_NAME.sub("_", converted.pop("title"))[:64]
    inner: dict[str, Any] = {"name": name, "schema": converted}
    if "description" in converted:
        inner["description"] = converted["description"]
    if strict is not None:
        inner["strict"] = strict
    return {"type": "json_schema", "json_schema": inner}


def structured_parser(schema: Schema | None, method: str) -> BaseOutputParser[Any]:
    """What reads the answer: to an object for a Pydantic class, else to a dict."""
    model = schema if isinstance(schema, type) and is_basemodel_subclass(schema) else None
    if method != "function_calling":
        return WholePydantic(pydantic_object=model) if model else WholeJson()
    if model:
        return WholePydanticCall(tools=[model], first_tool_only=True)
    name = convert_to_openai_tool(schema or {})["function"]["name"]
    return WholeCall(key_name=name, first_tool_only=True)


def refuse_incomplete(result: Sequence[Generation], *, partial: bool = False) -> None:
    """Do not let a refusal, or an answer that was cut off, pass for one in shape.

    Args:
        result: The answer.
        partial: More of it may come, unless it has its finish reason already.

    Raises:
        OutputParserException: It is one of the two.
    """
    message = result[0].message if isinstance(result[0], ChatGeneration) else None
    if not isinstance(message, AIMessage):
        return
    finish_reason = message.response_metadata.get("finish_reason")
    if partial and not finish_reason:
        return
    refusal = message.additional_kwargs.get("refusal")
    if refusal:
        raise OutputParserException(f"The model refused: {refusal}")
    if finish_reason == "length":
        raise OutputParserException(
            "The answer was cut off at the output limit before it was complete; raise max_tokens.",
            llm_output=message.text,
        )


class Whole(BaseOutputParser[Any]):
    """Makes a parser refuse what is cut off."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse the answer; see `refuse_incomplete`."""
        refuse_incomplete(result, partial=partial)
        return super().parse_result(result, partial=partial)


class WholeJson(Whole, JsonOutputParser):
    """JSON in the text, as a dict."""


class WholePydantic(Whole, PydanticOutputParser[Any]):
    """JSON in the text, as an object."""


class WholeCall(Whole, JsonOutputKeyToolsParser):
    """A tool call's arguments, as a dict."""


class WholePydanticCall(Whole, PydanticToolsParser):
    """A tool call's arguments, as an object."""


def with_raw(model: Runnable[Any, Any], parser: BaseOutputParser[Any]) -> Runnable[Any, Any]:
    """The model's message, what it was parsed to, and why it could not be."""
    parsed = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")
