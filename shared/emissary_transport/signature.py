"""Signatures that are ready when a framework inspects a method, as both do in every call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def with_signature(method: Method) -> Method:
    """Put the signature where `inspect` looks first; to find it takes a twentieth of a call."""
    vars(method)["__signature__"] = inspect.signature(method)
    return method
