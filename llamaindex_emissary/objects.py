"""Objects of a user's class out of what a model writes, also while it is still writing."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeAlias

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.bridge.pydantic import BaseModel, ValidationError
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from llama_index.core.types import Model

from llamaindex_emissary.growing_json import GrowingJson
from llamaindex_emissary.tools import tool_options, tool_selections

Partial: TypeAlias = Model | FlexibleModel


class BySchema(Generic[Model]):
    """The object is the text of the answer, asked for with a `response_format`."""

    def __init__(self, output_cls: type[Model]) -> None:
        self.options = {"response_format": schema_format(output_cls)}
        self._output_cls = output_cls
        self._json = GrowingJson(lenient=True)
        self._growing = Growing(output_cls)

    def shown(self, chunk: ChatResponse) -> Partial[Model] | None:
        """The object as far as this chunk shows it."""
        if not chunk.delta:
            return None
        self._json.feed(chunk.delta)
        return self._growing.seen(self._json.value)

    def result(self, response: ChatResponse) -> Model:
        """The object that the text holds.

        Raises:
            ValueError: It holds none.
        """
        _refuse_refusal(response)
        return object_of(self._output_cls, response.message.content or "")


class ByTool(Generic[Model]):
    """The object is the arguments of a tool that has to be called."""

    def __init__(self, output_cls: type[Model]) -> None:
        tool = get_function_tool(output_cls)
        self.options = tool_options([tool], choice=None, required=True, parallel=False)
        self._output_cls = output_cls
        self._growing = Growing(output_cls)

    def shown(self, chunk: ChatResponse) -> Partial[Model] | None:
        """The object as far as this chunk shows it."""
        called = tool_selections(chunk)
        return self._growing.seen(called[0].tool_kwargs) if called else None

    def result(self, response: ChatResponse) -> Model:
        """The object that the first call describes.

        Raises:
            ValueError: There is no call, or it does not fit.
        """
        _refuse_refusal(response)
        called = tool_selections(response)
        if not called:
            raise ValueError(
                f"The model was to answer with a {self._output_cls.__name__} and called no tool."
            )
        try:
            return self._output_cls.model_validate(called[0].tool_kwargs)
        except ValidationError as error:
            raise _no_object(self._output_cls, error) from error


Way: TypeAlias = BySchema[Model] | ByTool[Model]
"""A way to ask for an object with a chat's `options`, and to find it in what comes."""


class Growing(Generic[Model]):
    """An object that grows with the answer: of its class as soon as it fits, else a looser one."""

    def __init__(self, output_cls: type[Model]) -> None:
        self._output_cls = output_cls
        self._flexible: type[FlexibleModel] | None = None
        self._last: dict[str, Any] | None = None

    def seen(self, known: dict[str, Any]) -> Partial[Model] | None:
        """The object as far as it is known, or None if that is no news."""
        if known == self._last:
            return None
        self._last = known
        try:
            return self._output_cls.model_validate(known)
        except ValidationError:
            if self._flexible is None:
                self._flexible = create_flexible_model(self._output_cls)
            return self._flexible.model_validate(known)


def schema_format(output_cls: type[BaseModel]) -> dict[str, Any]:
    """The `response_format` that asks for objects of a class."""
    schema = output_cls.model_json_schema()
    name = re.sub(r"[^A-Za-z0-9_-]", "_", output_cls.__name__)[:64]
    described: dict[str, Any] = {"name": name, "schema": schema}
    if schema.get("description"):
        described["description"] = schema["description"]
    return {"type": "json_schema", "json_schema": described}


def object_of(output_cls: type[Model], text: str) -> Model:
    """The object that a text holds, whatever stands around it.

    Raises:
        ValueError: It holds none that fits the class.
    """
    inner = text[text.find("{") : text.rfind("}") + 1]
    try:
        return output_cls.model_validate_json(text)
    except ValidationError as error:
        if not inner or inner == text:
            raise _no_object(output_cls, error) from error
    try:
        return output_cls.model_validate_json(inner)
    except ValidationError as error:
        raise _no_object(output_cls, error) from error


def _refuse_refusal(response: ChatResponse) -> None:
    refusal = response.message.additional_kwargs.get("refusal")
    if refusal:
        raise ValueError(f"The model refused: {refusal}")


def _no_object(output_cls: type[BaseModel], error: ValidationError) -> ValueError:
    return ValueError(f"The model's answer is no {output_cls.__name__}: {error}")
