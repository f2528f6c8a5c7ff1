"""How often a request is sent, and how long is waited in between."""

import email.utils
import time
from functools import partial
from itertools import pairwise

import httpx
import pytest

from emissary_transport import ATOMA, ORQ, Call, Message, errors
from pure.examples import chunk, sse
from shell.both import KEY, Both, Script, answer, refusal, streamed

CALL = Call(model="m", messages=(Message("user", "hi"),))
STREAM = Call(model="m", messages=(Message("user", "hi"),), stream=True)
GONE = "Server disconnected without sending a response."

RETRIED = [
    *(refusal(status) for status in (408, 429, 500, 502, 503, 504)),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("no connection"),
    httpx.PoolTimeout("no free connection"),
    httpx.ReadError("reset"),
    httpx.WriteError("broken pipe"),
    httpx.RemoteProtocolError(GONE),
]
FINAL = [
    *(refusal(s) for s in (301, 307, 400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 423, 425)),
    refusal(501),
    refusal(505),
    httpx.ReadTimeout("silence"),
    httpx.RemoteProtocolError("illegal status line: bytearray(b'SSH-2.0')"),
]


@pytest.mark.parametrize("retries", [0, 1, 2])
@pytest.mark.parametrize("step", RETRIED, ids=repr)
@pytest.mark.parametrize("call", [CALL, STREAM], ids=["chat", "stream"])
def test_what_may_help_is_tried_again(how, retries, step, call):
    client = Both(how, ORQ, Script(step), max_retries=retries)
    with pytest.raises(errors.ServiceError) as caught:
        client.stream(call)
    assert client.tries == 1 + retries
    assert len(client.slept) == retries
    assert caught.value.retryable


@pytest.mark.parametrize("step", FINAL, ids=repr)
def test_what_can_not_help_is_not(how, step):
    client = Both(how, ORQ, Script(step))
    with pytest.raises(errors.ServiceError) as caught:
        client.chat(CALL)
    assert (client.tries, client.slept) == (1, [])
    assert not caught.value.retryable


def test_two_more_tries_are_the_default_and_one_is_enough(how):
    client = Both(how, ORQ, Script(refusal(503), httpx.ConnectError("x"), answer("hello")))
    assert client.chat(CALL).text == "hello"
    assert client.tries == 3


def test_the_last_error_counts(how):
    client = Both(
        how, ORQ, Script(httpx.ConnectError("x"), refusal(503), refusal(401)), max_retries=5
    )
    with pytest.raises(errors.AuthenticationFailed, match="Refused with 401"):
        client.chat(CALL)
    assert client.tries == 3


def test_a_class_of_a_service_decides_and_not_the_status(how):
    retry = {"error": {"code": "REQUEST_ERROR", "message": "Request error: Please retry"}}
    client = Both(how, ATOMA, Script(refusal(400, body=retry), answer("hello")))
    assert client.chat(CALL).text == "hello"
    refused = {"error": {"code": "INTERNAL_ERROR", "message": "Bad Request"}}
    client = Both(how, ATOMA, Script(refusal(500, body=refused)))
    with pytest.raises(errors.InvalidRequest):
        client.chat(CALL)
    assert client.tries == 1


@pytest.mark.parametrize(
    ("exception", "cls"),
    [
        (httpx.ConnectError("x"), errors.NoAnswer),
        (httpx.ConnectTimeout("x"), errors.NoAnswer),
        (httpx.ReadTimeout("x"), errors.AnswerTimeout),
        (httpx.RemoteProtocolError(GONE), errors.NoAnswer),
        (httpx.RemoteProtocolError("illegal"), errors.BadAnswer),
    ],
)
def test_errors_without_an_answer(how, exception, cls):
    with pytest.raises(
        errors.ServiceError, match=rf"Orq .*\({type(exception).__name__}: "
    ) as caught:
        Both(how, ORQ, Script(exception), max_retries=0).chat(CALL)
    assert type(caught.value) is cls
    assert caught.value.__cause__ is exception
    assert (caught.value.service, caught.value.status) == ("orq", None)


def test_a_read_timeout_is_tried_again_only_if_the_caller_asks(how):
    client = Both(how, ORQ, Script(httpx.ReadTimeout("x"), answer("hello")), retry_timeouts=True)
    assert client.chat(CALL).text == "hello"
    assert client.tries == 2


@pytest.mark.parametrize("call", [CALL, STREAM], ids=["chat", "stream"])
@pytest.mark.parametrize("pieces", [[], [b": hi\n\n"], [sse(chunk("hi"))]], ids=str)
@pytest.mark.parametrize(
    "exception", [httpx.ReadError("reset"), httpx.ReadTimeout("silence")], ids=repr
)
def test_an_answer_that_has_begun_is_never_asked_for_again(how, call, pieces, exception):
    step, body = streamed(*pieces, exception)
    client = Both(how, ORQ, Script(step), retry_timeouts=True)
    with pytest.raises(errors.BrokenAnswer):
        client.stream(call)
    assert (client.tries, client.slept, body.closed) == (1, [], True)


def in_seconds(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "3"}, 3, 3),
        ({"retry-after": "0"}, 0, 0),
        ({"retry-after": "60"}, 60, 60),
        ({"retry-after-ms": "1234"}, 1.234, 1.234),
        ({"retry-after": partial(in_seconds, 20)}, 15, 20),
        ({"retry-after": partial(in_seconds, -20)}, 0, 0),
        ({"retry-after": "61"}, 0.375, 0.5),
        ({"retry-after": "1e9"}, 0.375, 0.5),
        ({"retry-after": "inf"}, 0.375, 0.5),
        ({"retry-after": "soon"}, 0.375, 0.5),
        ({}, 0.375, 0.5),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_it_is_told_within_reason(how, status, headers, low, high):
    sent = {name: told if isinstance(told, str) else told() for name, told in headers.items()}
    client = Both(how, ORQ, Script(refusal(status, sent), answer()))
    client.chat(CALL)
    [slept] = client.slept
    assert low <= slept <= high


def test_waits_grow_to_a_bound(how):
    client = Both(how, ORQ, Script(refusal(503)), max_retries=8)
    with pytest.raises(errors.ServerError):
        client.chat(CALL)
    assert len(client.slept) == 8
    for slept, full in zip(client.slept, [0.5, 1, 2, 4, 8, 8, 8, 8], strict=True):
        assert 0.75 * full <= slept <= full
    assert all(before != after for before, after in pairwise(client.slept))


def test_waits_grow_with_each_try_whoever_told_the_wait_before(how):
    throttled, broken = refusal(429, {"retry-after": "3"}), httpx.ConnectError("no")
    script = Script(throttled, broken, broken, throttled, broken, answer())
    client = Both(how, ORQ, script, max_retries=5)
    client.chat(CALL)
    for slept, full in zip(client.slept, [3, 1, 2, 3, 8], strict=True):
        assert 0.75 * full <= slept <= full


def test_waits_differ_between_clients(how):
    def first_wait():
        client = Both(how, ORQ, Script(refusal(503), answer()))
        client.chat(CALL)
        return client.slept[0]

    assert len({first_wait() for _ in range(10)}) > 5


def test_retry_after_is_on_the_error(how):
    with pytest.raises(errors.RateLimited) as caught:
        Both(how, ORQ, Script(refusal(429, {"retry-after": "99"})), max_retries=0).chat(CALL)
    assert caught.value.retry_after == 99


def test_the_key_is_nowhere_in_an_error(how):
    echo = {"error": {"message": f"Bad key {KEY}."}}

    def no_connection(request):
        raise httpx.ConnectError("no connection", request=request)

    for script in (Script(refusal(401, body=echo)), no_connection):
        client = Both(how, ORQ, Script(answer()), max_retries=0, http={})
        client.http._transport = httpx.MockTransport(script)
        with pytest.raises(errors.ServiceError) as caught:
            client.chat(CALL)
        error = caught.value
        request = getattr(error.__cause__, "request", None)
        assert KEY not in f"{error} {error.facts()} {request and request.headers.raw}"
