"""The tree of errors, and what its instances carry."""

import copy
import inspect
import pickle
import re

import pytest

from emissary_transport import errors
from emissary_transport.errors import ServiceError

CLASSES = [getattr(errors, name) for name in errors.__all__]
RETRYABLE = {"NoAnswer", "RequestTimeout", "RateLimited", "ServerError"}


def test_the_docstring_draws_the_tree():
    drawn, path = {}, {}
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ([│├└─ ]*)(\w+)(.*)", line)
        if found:
            depth = len(found[1]) // 4
            path[depth] = found[2]
            drawn[found[2]] = (path.get(depth - 1), "retryable" in found[3])
    real = {cls.__name__: (cls.__base__.__name__, cls.retryable) for cls in CLASSES}
    assert drawn.pop("ServiceError") == (None, False)
    assert real.pop("ServiceError") == ("Exception", False)
    assert drawn == real


def test_all_classes_are_exported():
    defined = [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, ServiceError)
    ]
    assert sorted(errors.__all__) == sorted(cls.__name__ for cls in defined)
    assert {cls.__name__ for cls in CLASSES if cls.retryable} == RETRYABLE


FACTS = {
    "service": "orq",
    "status": 429,
    "code": "rate_limit_exceeded",
    "request_id": "r1",
    "retry_after": 3.0,
    "body": {"error": "Slow."},
    "texts": (0, 2),
}


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_errors_travel(cls, again):
    error = again(cls("Slow down.", **FACTS))
    assert type(error) is cls
    assert str(error) == error.message == "Slow down."
    assert {name: getattr(error, name) for name in FACTS} == error.facts() == FACTS


def test_what_is_not_known_is_none():
    assert set(ServiceError("x").facts().values()) == {"", None, ()}
