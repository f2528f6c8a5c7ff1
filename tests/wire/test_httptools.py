"""Who has which connection of the fast sync transport."""

import ssl

import httpx
import pytest

from emissary_transport.httptools_transport import HttptoolsTransport
from wire.peer import LEFT, Peer, head, whole

ANSWER = whole(b"hi", content_type="text/plain")


def transport(**limits):
    few = {"max_connections": 2, "max_keepalive_connections": 2, "keepalive_expiry": 30}
    return HttptoolsTransport(ssl.create_default_context(), httpx.Limits(**few | limits))


def asked(over, peer, pool=0.01):
    waits = httpx.Timeout(2, pool=pool).as_dict()
    request = httpx.Request("GET", peer.base_url, extensions={"timeout": waits})
    return over.handle_request(request)


@pytest.fixture
def peer():
    with Peer(ANSWER) as peer:
        yield peer


def test_requests_beyond_the_limit_wait_for_a_connection(peer):
    over = transport()
    first, second = asked(over, peer), asked(over, peer)
    with pytest.raises(httpx.PoolTimeout):
        asked(over, peer)
    first.close()
    third = asked(over, peer)
    assert third.read() == b"hi"
    for each in (second, third, third):
        each.close()
    for each in [asked(over, peer), asked(over, peer)]:
        each.close()
    over.close()


def test_a_request_that_fails_leaves_its_place():
    over = transport(max_connections=1)
    with Peer([head(content_length=-1)]) as peer:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                asked(over, peer)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            asked(over, peer)
    over.close()


def test_no_more_idle_connections_are_kept_than_told(peer):
    over = transport(max_keepalive_connections=1)
    for each in [asked(over, peer), asked(over, peer)]:
        each.read()
        each.close()
    assert peer.left.wait(2)
    asked(over, peer).close()
    assert peer.accepts == 2
    over.close()


def test_a_connection_that_was_idle_for_too_long_is_closed(peer):
    over = transport(keepalive_expiry=0)
    for _ in range(2):
        answer = asked(over, peer)
        answer.read()
        answer.close()
    assert peer.accepts == 2
    over.close()
    assert peer.served.wait(2)


def test_a_connection_in_use_is_closed_when_it_is_given_back(peer):
    over = transport()
    answer = asked(over, peer)
    over.close()
    assert answer.read() == b"hi"
    answer.close()
    assert peer.served.wait(2)


def test_an_answer_that_is_not_read_to_its_end_takes_its_connection_along():
    with Peer([head(content_length=5) + b"hel", LEFT]) as peer:
        over = transport()
        answer = asked(over, peer)
        answer.close()
        assert peer.left.wait(2)
        over.close()


def test_another_origin_has_other_connections(peer):
    with Peer(ANSWER) as other:
        over = transport()
        for each in (peer, other, peer, other):
            answer = asked(over, each)
            answer.read()
            answer.close()
        assert (peer.accepts, other.accepts) == (1, 1)
        over.close()
