"""Pydantic objects made from values that need no validation, because we made them ourselves.

A framework's chunk costs its constructor more than all else that happens to a streamed token;
`model_construct` costs even more, and `model_copy` most of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


class Mould(Generic[M]):
    """Makes objects like an example, each with values of its own.

    The example is made by the ordinary constructor. Whatever Pydantic may come to keep in an
    object: if what is cast does not equal what is constructed, constructing is what is done.
    All fields of what is cast count as set, and the set of them is shared: one for each object is a
    tenth of a long stream's cost, by way of garbage collection. (An attribute that is no field, put
    on one object later, counts as set for all.)

    >>> class Point(BaseModel):
    ...     x: int
    ...     tags: list[str] = []
    >>> Mould(Point(x=1)).cast({"x": 2})
    Point(x=2, tags=[])
    """

    def __init__(self, example: M) -> None:
        self._cls = type(example)
        self._new: Callable[[], M] = functools.partial(self._cls.__new__, self._cls)
        self._fields = dict(example.__dict__)
        self._given = {name: self._fields[name] for name in example.model_fields_set}
        self._all_set = set(self._cls.model_fields)
        self._extra = example.__pydantic_extra__
        self._fresh = [
            (name, type(value))
            for name, value in self._fields.items()
            if type(value) in (list, dict) and not value
        ]
        self._is_exact = example.__pydantic_private__ is None
        self._is_exact = self._is_exact and self.cast({**self._given}) == example

    def cast(self, values: dict[str, Any]) -> M:
        """Make an object with these values, which become its own, and the rest of the example's."""
        if not self._is_exact:
            return self._cls(**{**self._given, **values})
        made = self._new()
        is_complete = len(values) == len(self._fields)
        _put_fields(made, values if is_complete else self._completed(values))
        _put_fields_set(made, self._all_set)
        _put_extra(made, None if self._extra is None else {**self._extra})
        _put_private(made, None)
        return made

    def _completed(self, values: dict[str, Any]) -> dict[str, Any]:
        fields = {**self._fields, **values}
        for name, empty in self._fresh:
            if name not in values:
                fields[name] = empty()
        return fields


# Pydantic's own way to set an attribute is for fields only, and object's looks for the slot first.
_put_fields, _put_fields_set, _put_extra, _put_private = (
    BaseModel.__dict__[f"__{slot}__"].__set__
    for slot in ("dict", "pydantic_fields_set", "pydantic_extra", "pydantic_private")
)
