"""What a service says when it refuses, into one error each."""

import email.utils
import json

import pytest

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ, errors
from emissary_transport.refusals import refusal, retry_after, status_class
from pure.examples import ERRORS, example

NOW = 1_700_000_000.0
SERVICES = {"atoma": ATOMA, "emissary": EMISSARY, "orq": ORQ}


def refused(service, status, body=b"", headers=None, **how):
    return refusal(service, status, headers or {}, body, now=NOW, **how)


EXAMPLES = {
    "atoma.error.400-embeddings-list.json": (errors.InvalidRequest, "REQUEST_ERROR"),
    "atoma.error.400-fiat-balance.json": (errors.PaymentRequired, "FIAT_PAYMENTS_ONLY"),
    "atoma.error.400-message-content.json": (errors.InvalidRequest, "REQUEST_ERROR"),
    "atoma.error.400-missing-messages.json": (errors.InvalidRequest, "REQUEST_ERROR"),
    "atoma.error.400-model.json": (errors.NotFound, "REQUEST_ERROR"),
    "atoma.error.401.json": (errors.AuthenticationFailed, "AUTH_ERROR"),
    "atoma.error.402.json": (errors.PaymentRequired, "BALANCE_ERROR"),
    "atoma.error.404.json": (errors.NotFound, "NOT_FOUND"),
    "atoma.error.423.json": (errors.Locked, "LOCKED"),
    "atoma.error.425.json": (errors.Locked, "UNAVAILABLE_STACK"),
    "atoma.error.429.json": (errors.RateLimited, "TOO_MANY_REQUESTS"),
    "atoma.error.500-engine-rejected.json": (errors.InvalidRequest, "INTERNAL_ERROR"),
    "atoma.error.500.json": (errors.ServerError, "INTERNAL_ERROR"),
    "atoma.error.503.json": (errors.ServerError, "SERVICE_UNAVAILABLE"),
    "emissary.error.400.json": (errors.InvalidRequest, None),
    "emissary.error.401.json": (errors.AuthenticationFailed, None),
    "emissary.error.404.json": (errors.NotFound, "object_not_found"),
    "orq.error.401-envelope.json": (errors.AuthenticationFailed, "invalid_api_key"),
    "orq.error.401-provider-missing.json": (errors.AuthenticationFailed, "401"),
    "orq.error.404-legacy.json": (errors.NotFound, "404"),
    "orq.error.422-openai.json": (errors.InvalidRequest, "invalid_request_body"),
    "orq.error.429-envelope.json": (errors.RateLimited, "rate_limit_exceeded"),
    "orq.error.500-message.json": (errors.ServerError, "500"),
}


def test_every_example_is_read():
    assert sorted(EXAMPLES) == ERRORS


@pytest.mark.parametrize(("name", "expected"), EXAMPLES.items(), ids=EXAMPLES)
def test_examples(name, expected):
    service, status = SERVICES[name.split(".")[0]], int(name.split(".")[2][:3])
    error = refused(service, status, example(name))
    said = json.loads(example(name))
    words = said["error"] if isinstance(said.get("error"), str) else said.get("error", said)
    words = words if isinstance(words, str) else words["message"]
    assert (type(error), error.code) == expected
    assert words.rstrip(".") in str(error)
    assert str(error).startswith(f"{service.title} refused the request (HTTP {status}")
    assert (error.service, error.status, error.body) == (service.name, status, said)


STATUSES = {
    301: errors.Redirected,
    302: errors.Redirected,
    307: errors.Redirected,
    308: errors.Redirected,
    400: errors.InvalidRequest,
    401: errors.AuthenticationFailed,
    402: errors.PaymentRequired,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.InvalidRequest,
    408: errors.RequestTimeout,
    409: errors.InvalidRequest,
    413: errors.InvalidRequest,
    415: errors.InvalidRequest,
    422: errors.InvalidRequest,
    423: errors.Locked,
    425: errors.Locked,
    429: errors.RateLimited,
    500: errors.ServerError,
    501: errors.NotSupported,
    502: errors.ServerError,
    503: errors.ServerError,
    504: errors.ServerError,
    599: errors.NotSupported,
}
WORTH_RETRYING = {408, 429, 500, 502, 503, 504}


@pytest.mark.parametrize(("status", "cls"), STATUSES.items())
@pytest.mark.parametrize("service", [ATOMA, EMISSARY_DEPLOYMENT, ORQ])
@pytest.mark.parametrize("body", [b"", b"Nope", b"{}", b"[]", b"null", b'{"error": null}', b"\xff"])
def test_a_status_says_enough(service, status, cls, body):
    error = refused(service, status, body)
    assert type(error) is cls is status_class(status)
    assert error.retryable == (status in WORTH_RETRYING)
    assert f"HTTP {status}" in str(error)
    assert error.advice in str(error)


@pytest.mark.parametrize(
    ("service", "status", "message", "cls"),
    [
        (ATOMA, 400, "Request error: Model not supported", errors.NotFound),
        (ATOMA, 400, "Request error: No node found for model X", errors.NotFound),
        (ATOMA, 400, "The stack is sold out. Please retry", errors.RateLimited),
        (ATOMA, 500, "Bad Request", errors.InvalidRequest),
        (ATOMA, 500, "Inference service returned status code error 502", errors.ServerError),
        (ORQ, 500, "Bad Request", errors.ServerError),
        (ORQ, 400, "Please retry", errors.InvalidRequest),
        (ORQ, 400, "This model's maximum context length is 8 tokens.", errors.ContextOverflow),
        (EMISSARY, 413, "prompt is too long", errors.ContextOverflow),
        (ATOMA, 500, "The input is longer than the maximum model length", errors.ContextOverflow),
        (ORQ, 429, "too many tokens a minute", errors.RateLimited),
    ],
)
def test_messages_that_say_more_than_the_status(service, status, message, cls):
    body = json.dumps({"error": {"code": "X", "message": message}}).encode()
    assert type(refused(service, status, body)) is cls


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"plain words", None, "plain words"),
        (b'"a string"', None, "a string"),
        (b'{"detail": "words"}', None, "words"),
        (b'{"error": {"message": "words", "code": null, "type": "bad"}}', "bad", "words"),
        (b'{"error": {"message": "words", "code": 17}}', "17", "words"),
        (b'{"error": {"message": "words", "code": 17.0}}', "17", "words"),
        (b'{"error": {"message": "words", "code": {"a": 1}}}', None, "words"),
        (b'{"error": {"message": ["words"]}, "code": "out"}', "out", ""),
        (b'{"error": "words", "code": "c"}', "c", "words"),
        (b'{"message": "words", "code": "c"}', "c", "words"),
        (b"<!doctype html><p>hi</p>", None, "It answered with an HTML page."),
        (b"\n  <html>", None, "It answered with an HTML page."),
    ],
)
def test_shapes(body, code, message):
    error = refused(ORQ, 400, body)
    assert error.code == code
    told = f"HTTP 400, {code}" if code else "HTTP 400"
    assert str(error).startswith(
        f"Orq refused the request ({told})" + (f": {message}" if message else ".")
    )


def test_a_page_is_not_repeated():
    assert "<p>" not in str(refused(ORQ, 502, b"<html><p>secret</p></html>"))


def test_a_long_message_is_shortened():
    assert len(str(refused(ORQ, 400, 100_000 * b"x"))) < 2_200


KEY = "sk-orq-1234567890"


@pytest.mark.parametrize("secret", [KEY, f"Bearer {KEY}", f" {KEY}\n"])
def test_a_key_that_the_service_repeats_is_cut_out(secret):
    body = json.dumps({"error": {"code": KEY, "message": f"Bad key {KEY}."}}).encode()
    error = refused(ORQ, 401, body, secret=secret)
    assert KEY not in f"{error} {error.facts()}"
    assert "Bad key ***." in str(error)


@pytest.mark.parametrize("secret", ["key", "e", "test", '"', "error"])
def test_a_word_that_is_hardly_a_key_is_not(secret):
    body = example("orq.error.401-envelope.json")
    error = refused(ORQ, 401, body, secret=secret)
    assert (error.code, error.body) == ("invalid_api_key", json.loads(body))


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({"x-request-id": "h"}, b'{"id": "b"}', "h"),
        ({}, b'{"id": "b"}', "b"),
        ({}, b'{"request_id": "b"}', "b"),
        ({}, b'{"id": 7}', None),
        ({}, b"", None),
    ],
)
def test_request_ids(headers, body, request_id):
    assert refused(ORQ, 500, body, headers).request_id == request_id


def test_a_redirect_says_where():
    assert "https://else.where/x" in str(
        refused(ORQ, 308, b"", {"location": "https://else.where/x"})
    )


def date(seconds):
    return email.utils.formatdate(NOW + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": date(20)}, 20.0),
        ({"retry-after": date(-20)}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "-1"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9.0),
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 99 Foo 2024 99:99:99 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 99999 00:00:00 GMT"}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(headers, NOW) == seconds
    assert refused(ORQ, 429, b"", headers).retry_after == seconds
