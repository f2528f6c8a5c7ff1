"""What goes out, and to whom."""

import json

import httpx
import pytest

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ, Call, Message, errors
from emissary_transport._version import __version__
from shell.both import BASE, KEY, Both, Script, answer, streamed

HI = (Message("user", "hi ř"),)
CALL = Call(model="m", messages=HI, path={"project_id": "p/1", "deployment_id": "d"})
SSE_ENDED = b'data: {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}\n\n'

SENT = [
    (ATOMA, "/v1/chat/completions", "authorization", f"Bearer {KEY}"),
    (ORQ, "/v2/router/chat/completions", "authorization", f"Bearer {KEY}"),
    (EMISSARY, "/v1/chat/completions", "x-api-key", KEY),
    (EMISSARY_DEPLOYMENT, "/v1/projects/p%2F1/deployments/d/chat/completions", "x-api-key", KEY),
]


@pytest.mark.parametrize(("service", "path", "header", "value"), SENT)
def test_a_request(how, service, path, header, value):
    client = Both(how, service, Script(answer()))
    client.chat(CALL)
    [request] = client.script.requests
    assert (request.method, request.url.host) == ("POST", "service.example")
    assert request.url.raw_path == path.encode()
    assert request.headers[header] == value
    keys = {"authorization", "x-api-key"} & request.headers.keys()
    assert keys == {header}
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == f"emissary-integrations/{__version__}"
    assert request.headers["content-length"] == str(len(request.content))
    model = {} if service is EMISSARY_DEPLOYMENT else {"model": "m"}
    body = json.loads(request.content)
    assert body == model | {"messages": [{"role": "user", "content": "hi ř"}]}
    compact = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    assert request.content.decode() == compact


@pytest.mark.parametrize("service", [ATOMA, ORQ, EMISSARY, EMISSARY_DEPLOYMENT])
def test_a_stream_is_asked_for_in_the_headers_too(how, service):
    client = Both(how, service, Script(streamed(SSE_ENDED)[0]))
    client.stream(Call(model="m", messages=HI, path=CALL.path, stream=True))
    [request] = client.script.requests
    assert request.headers["accept"] == "text/event-stream, application/json"


def test_a_retry_sends_the_same_bytes(how):
    client = Both(how, ORQ, Script(httpx.ConnectError("x"), answer()))
    client.chat(CALL)
    first, second = client.script.requests
    assert first.content == second.content
    assert first.headers == second.headers


def test_the_callers_headers_win(how):
    headers = {"user-agent": "mine", "x-team": "a", "Authorization": "Bearer other"}
    client = Both(how, ORQ, Script(answer()), headers=headers)
    client.chat(CALL)
    [request] = client.script.requests
    assert request.headers.get_list("user-agent") == ["mine"]
    assert request.headers.get_list("authorization") == ["Bearer other"]
    assert request.headers["x-team"] == "a"


def test_what_the_callers_client_brings_goes_along(how):
    http = {"headers": {"x-mine": "1", "user-agent": "theirs"}, "base_url": "https://other.example"}
    client = Both(how, ORQ, Script(answer()), http=http)
    client.chat(CALL)
    [request] = client.script.requests
    assert request.headers["x-mine"] == "1"
    assert request.url.host == "service.example"


@pytest.mark.parametrize(
    ("theirs", "ours", "sent"),
    [
        ({}, {}, "service.example"),
        ({"host": "theirs.example"}, {}, "theirs.example"),
        ({"host": "theirs.example"}, {"HOST": "ours.example"}, "ours.example"),
        ({}, {"Host": "service.example"}, "service.example"),
    ],
)
def test_who_says_which_host_is_asked(how, theirs, ours, sent):
    client = Both(how, ORQ, Script(answer()), http={"headers": theirs}, headers=ours)
    client.chat(CALL)
    [request] = client.script.requests
    assert request.headers.get_list("host") == [sent]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("http", [{}, {"follow_redirects": True}], ids=str)
@pytest.mark.parametrize("to", ["https://evil.example/x", "/v2/elsewhere"])
def test_the_key_does_not_follow_a_redirect(how, status, http, to):
    redirect = httpx.Response(status, headers={"location": to})
    client = Both(how, ORQ, Script(redirect), http=http)
    with pytest.raises(errors.Redirected, match=f"It points to {to}.*base URL") as caught:
        client.chat(CALL)
    assert [request.url.host for request in client.script.requests] == ["service.example"]
    assert caught.value.status == status


TIMEOUTS = [
    ({}, (10, 600, 600, 600), (10, 600, 600, 600)),
    ({"timeout": 30}, (10, 30, 30, 30), (10, 30, 30, 30)),
    ({"timeout": (1, 2, 3, 4)}, (1, 2, 3, 4), (1, 2, 3, 4)),
    ({"timeout": httpx.Timeout(7, read=None)}, (7, None, 7, 7), (7, None, 7, 7)),
    ({"stall_timeout": 5}, (10, 600, 600, 600), (10, 5, 600, 600)),
    ({"timeout": 2, "stall_timeout": 5}, (2, 2, 2, 2), (2, 2, 2, 2)),
]


@pytest.mark.parametrize(("settings", "plain", "stream"), TIMEOUTS)
def test_timeouts(how, settings, plain, stream):
    """A stall limit is for streams: a whole answer may well take longer to begin."""
    for is_stream, expected in ((False, plain), (True, stream)):
        client = Both(how, ORQ, Script(streamed(SSE_ENDED)[0]), **settings)
        client.stream(Call(model="m", messages=HI, stream=is_stream))
        sent = client.script.requests[0].extensions["timeout"]
        assert tuple(sent[name] for name in ("connect", "read", "write", "pool")) == expected


def test_a_timeout_of_the_callers_client_counts_where_none_is_set(how):
    for settings, read in (({}, 77), ({"timeout": 5}, 5)):
        client = Both(how, ORQ, Script(answer()), http={"timeout": 77}, **settings)
        client.chat(CALL)
        assert client.script.requests[0].extensions["timeout"]["read"] == read


def test_a_mistake_is_an_error_before_anything_is_sent(how):
    wrong = {"base_url": "ftp://x"}, {"api_key": ""}, {"headers": {"a": "b\n"}}
    for settings in wrong:
        client = Both(how, ORQ, Script(answer()), **settings)
        with pytest.raises(ValueError, match=r"base_url|API key|header"):
            client.chat(CALL)
        assert client.tries == 0
    client = Both(how, ORQ, Script(answer()))
    with pytest.raises(ValueError, match="documents no field"):
        client.chat(Call(model="m", messages=HI, options={"nope": 1}))
    assert client.tries == 0


def test_base_urls_of_the_services_are_their_own(how):
    client = Both(how, ORQ, Script(answer()), base_url=f"{BASE}/prefix/v3/router/")
    client.chat(CALL)
    assert client.script.requests[0].url.path == "/prefix/v3/router/chat/completions"
