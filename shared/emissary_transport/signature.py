"""Signatures that are ready when a framework inspects a method, as both do in every call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])


def with_signature(method: Method) -> Method:
    """Put the signature where `inspect` looks first; to find it takes a twentieth of a call."""
    vars(method)["__signature__"] = inspect.signature(method)
    return method


class Inspected:
    """A method whose signature is ready when it is bound, which takes as long once more.

    What it is bound to an object with is a `functools.partial`, for that can carry a signature.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        whole = inspect.signature(method)
        self._signature = whole.replace(parameters=[*whole.parameters.values()][1:])

    def __get__(self, owner: object, _: type | None = None) -> Callable[..., Any]:
        """The method itself, or bound to its object."""
        if owner is None:
            return self._method
        bound = partial(self._method, owner)
        vars(bound)["__signature__"] = self._signature
        return bound


def inspected(method: Method) -> Method:
    """The method as one whose signature is ready; see `Inspected`."""
    return cast("Method", Inspected(method))
