"""Errors: each is a `ServiceError` and the `ModelError` that LangChain's middleware goes by."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core import exceptions as core

from emissary_transport.errors import ServiceError
from langchain_emissary import errors

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    KEY,
    ORQ,
    PLAYED,
    Peer,
    Played,
    ask,
)

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "wire"

pytestmark = pytest.mark.usefixtures("waits")
STATUSES = {
    400: (errors.InvalidRequest, core.ModelInvalidRequestError),
    401: (errors.AuthenticationFailed, core.ModelAuthenticationError),
    402: (errors.PaymentRequired, core.ModelPermissionDeniedError),
    403: (errors.PermissionDenied, core.ModelPermissionDeniedError),
    404: (errors.NotFound, core.ModelNotFoundError),
    408: (errors.RequestTimedOut, core.ModelTimeoutError),
    409: (errors.InvalidRequest, core.ModelInvalidRequestError),
    413: (errors.InvalidRequest, core.ModelInvalidRequestError),
    422: (errors.InvalidRequest, core.ModelInvalidRequestError),
    423: (errors.Locked, core.ModelError),
    425: (errors.Locked, core.ModelError),
    429: (errors.RateLimited, core.ModelRateLimitError),
    500: (errors.ServerError, core.ModelAPIError),
    501: (errors.NotSupported, core.ModelError),
    502: (errors.ServerError, core.ModelAPIError),
    503: (errors.ServerError, core.ModelAPIError),
    504: (errors.ServerError, core.ModelAPIError),
    307: (errors.Redirected, core.ModelError),
}


def refused(how: str, played: Played, given: Any, **params: Any) -> Any:
    with pytest.raises(ServiceError) as caught:
        ask(how, played.model(Peer([given]), **params))
    return caught.value


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_both_errors(how: str, played: Played, status: int) -> None:
    ours, theirs = STATUSES[status]
    body = {"error": {"code": "SOME_CODE", "message": "It went wrong."}}
    response = httpx.Response(status, json=body, headers={"x-request-id": "req-1"})
    error = refused(how, played, response)
    assert type(error) is ours
    assert isinstance(error, theirs)
    assert isinstance(error, core.ModelError)
    assert (error.service, error.status, error.code) == (played.name, status, "SOME_CODE")
    assert error.request_id == "req-1"
    assert "It went wrong." in str(error)
    assert error.is_retryable == error.retryable


@pytest.mark.parametrize("cls", errors.CLASSES.values(), ids=lambda cls: cls.__name__)
def test_is_retryable_says_what_retryable_says(cls: Any) -> None:
    assert issubclass(cls, (ServiceError,))
    assert issubclass(cls, core.ModelError)
    assert cls.is_retryable == cls.retryable


def test_every_error_of_the_transport_has_its_own_class() -> None:
    def leaves(cls: Any) -> Iterator[Any]:
        for sub in cls.__subclasses__():
            if sub.__module__ == "emissary_transport.errors":
                yield sub
                yield from leaves(sub)

    assert set(leaves(ServiceError)) - set(errors.CLASSES) <= {errors.errors.Refused}


@pytest.mark.parametrize("cls", errors.CLASSES.values(), ids=lambda cls: cls.__name__)
def test_errors_pickle(cls: Any) -> None:
    error = cls("It went wrong.", service="orq", status=429, retry_after=3.0, body={"a": 1})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert str(again) == str(error)
    assert again.facts() == error.facts()


EXAMPLE_CLASSES = {
    "orq.error.401-envelope.json": (ORQ, 401, errors.AuthenticationFailed),
    "orq.error.401-provider-missing.json": (ORQ, 401, errors.AuthenticationFailed),
    "orq.error.404-legacy.json": (ORQ, 404, errors.NotFound),
    "orq.error.422-openai.json": (ORQ, 422, errors.InvalidRequest),
    "orq.error.429-envelope.json": (ORQ, 429, errors.RateLimited),
    "orq.error.500-message.json": (ORQ, 500, errors.ServerError),
    "atoma.error.400-fiat-balance.json": (ATOMA, 400, errors.PaymentRequired),
    "atoma.error.400-model.json": (ATOMA, 400, errors.NotFound),
    "atoma.error.400-message-content.json": (ATOMA, 400, errors.InvalidRequest),
    "atoma.error.401.json": (ATOMA, 401, errors.AuthenticationFailed),
    "atoma.error.429.json": (ATOMA, 429, errors.RateLimited),
    "atoma.error.500-engine-rejected.json": (ATOMA, 500, errors.InvalidRequest),
    "atoma.error.500.json": (ATOMA, 500, errors.ServerError),
    "emissary.error.400.json": (EMISSARY, 400, errors.InvalidRequest),
    "emissary.error.401.json": (DEPLOYMENT, 401, errors.AuthenticationFailed),
    "emissary.error.404.json": (DEPLOYMENT, 404, errors.NotFound),
}


@pytest.mark.parametrize("how", ["invoke", "astream"])
@pytest.mark.parametrize("name", EXAMPLE_CLASSES)
def test_the_services_own_error_bodies(how: str, name: str) -> None:
    played, status, cls = EXAMPLE_CLASSES[name]
    body = json.loads((EXAMPLES / name).read_text())
    error = refused(how, played, httpx.Response(status, json=body))
    assert type(error) is cls
    assert error.body == body
    inner = body.get("error", body)
    assert (inner["message"] if isinstance(inner, dict) else inner) in str(error)


OVERFLOWS = [
    (400, {"error": {"code": "context_length_exceeded", "message": "Too long."}}),
    (400, {"error": {"code": "x", "message": "This model's maximum context length is 8192"}}),
    (422, {"error": {"code": "x", "message": "prompt is too long: 9 tokens > 8 maximum"}}),
    (400, {"status": 400, "error": "Input tokens exceed the configured limit"}),
]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize(("status", "body"), OVERFLOWS)
def test_a_prompt_that_is_too_long_is_a_context_overflow(
    how: str, played: Played, status: int, body: Any
) -> None:
    error = refused(how, played, httpx.Response(status, json=body))
    assert isinstance(error, errors.ContextOverflow)
    assert isinstance(error, core.ContextOverflowError)
    assert not error.is_retryable


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_an_answer_that_can_not_be_read_is_a_bad_answer(how: str) -> None:
    page = httpx.Response(200, html="<html>Welcome</html>")
    assert isinstance(refused(how, ORQ, page), errors.BadAnswer)
    assert isinstance(refused(how, ORQ, {"unexpected": True}), errors.BadAnswer)


def test_retrying_middleware_would_not_send_a_bad_key_again() -> None:
    retry = pytest.importorskip("langchain.agents.middleware._retry")

    def verdict(given: Any) -> bool:
        return retry.default_retry_on(refused("invoke", ORQ, given, max_retries=0))

    assert not verdict(httpx.Response(401))
    assert not verdict(httpx.ReadTimeout("slow"))
    assert verdict(httpx.Response(429))
    assert verdict(httpx.ConnectError("refused"))


@pytest.mark.parametrize("how", HOWS)
def test_errors_hold_no_key(how: str) -> None:
    echo = httpx.Response(401, json={"error": {"code": "x", "message": f"Bad key {KEY}"}})
    error = refused(how, ORQ, echo)
    told: BaseException | None = error
    while told is not None:
        assert KEY not in f"{told} {told!r} {vars(told)}"
        assert KEY not in str(getattr(getattr(told, "_request", None), "headers", {}).items())
        told = told.__cause__ or told.__context__


def test_an_error_can_be_caught_by_the_transports_class() -> None:
    error = refused("invoke", ORQ, httpx.Response(429, headers={"retry-after": "7"}), max_retries=0)
    assert isinstance(error, errors.errors.RateLimited)
    assert error.retry_after == 7.0
