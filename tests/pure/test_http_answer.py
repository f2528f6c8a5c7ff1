"""HTTP answers, wherever the network cuts them."""

import weakref

import pytest
from httptools import HttpParserError

from emissary_transport.http_answer import LONGEST_HEAD, Answer

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = {
    "with a length": (OK + b"content-length: 5\r\n\r\nhello", True),
    "in chunks": (
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
        True,
    ),
    "with a trailer": (
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-later: 1\r\n\r\n",
        True,
    ),
    "after another is announced": (
        b"HTTP/1.1 100 Continue\r\nx-hint: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
        + OK
        + b"content-length: 5\r\n\r\nhello",
        True,
    ),
    "before the end": (OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello", False),
    "of an old server": (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", False),
    "in chunks with spaces": (
        OK + b"transfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        True,
    ),
    "in chunks, with a length": (
        OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        True,
    ),
    "in lines without CR": (OK.replace(b"\r", b"") + b"content-length: 5\n\nhello", True),
}


@pytest.mark.parametrize(("data", "is_kept"), WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_answer(data, is_kept, size):
    answer, body = Answer(), b""
    for at in range(0, len(data), size):
        assert not answer.is_whole
        answer.feed(data[at : at + size])
        body += answer.taken()
    assert (answer.status, answer.reason, body) == (200, b"OK", b"hello")
    assert answer.is_whole
    assert answer.can_another_follow is is_kept
    names = {name for name, _ in answer.headers}
    assert names <= {b"content-length", b"transfer-encoding", b"connection"}


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"0\r\n", b"x: y\r\n" * 1000), (b"1;x=", b"y" * 6000)],
    ids=["trailers", "chunk extensions"],
)
def test_what_is_no_body_has_bounds(start, more):
    answer = Answer()
    answer.feed(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    assert answer.taken() == b"hello"
    answer.feed(start)
    for _ in range(LONGEST_HEAD // 6000):
        answer.feed(more)
    with pytest.raises(HttpParserError, match="Over"):
        answer.feed(more)


def test_an_interrupt_while_it_parses_comes_out():
    class Interrupted(Answer):
        def on_header(self, name, told):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().feed(OK + b"x: y\r\n\r\n")


def test_a_closed_answer_leaves_nothing_for_the_garbage_collector():
    answer = Answer()
    answer.feed(OK + b"content-length: 5\r\n\r\nhello")
    answer.close()
    gone, answer = weakref.ref(answer), None
    assert gone() is None


def test_headers_as_they_are_meant():
    answer = Answer()
    answer.feed(OK + b"X-Two:  a \t\r\nx-two:b\r\nX-None:\r\ncontent-length: 0\r\n\r\n")
    assert answer.headers[:3] == [(b"X-Two", b"a"), (b"x-two", b"b"), (b"X-None", b"")]


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_statuses_without_a_body(status):
    answer = Answer()
    answer.feed(b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert answer.is_whole
    assert answer.can_another_follow


def test_the_end_of_the_connection_ends_a_body_without_length():
    answer = Answer()
    answer.feed(OK + b"\r\nhel")
    answer.feed(b"lo")
    assert not answer.is_whole
    answer.feed(b"")
    assert answer.taken() == b"hello"
    assert answer.is_whole
    assert not answer.can_another_follow


@pytest.mark.parametrize("more", [b"HTTP/1.1 500 No\r\nx: y\r\n\r\n", b"nonsense"])
@pytest.mark.parametrize("is_close", [True, False])
def test_what_comes_after_an_answer_is_no_part_of_it(more, is_close):
    answer = Answer()
    close = b"connection: close\r\n" if is_close else b""
    answer.feed(OK + close + b"content-length: 5\r\n\r\nhello" + more)
    assert (answer.status, answer.taken(), answer.is_whole) == (200, b"hello", True)
    assert len(answer.headers) == 1 + is_close
    assert not answer.can_another_follow


@pytest.mark.parametrize(
    ("pieces", "match"),
    [
        ([b""], "disconnected"),
        ([OK, b""], "disconnected"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b""], "disconnected"),
        ([OK + b"content-length: 5\r\n\r\nhell", b""], "before the body"),
        ([OK + b"transfer-encoding: chunked\r\n\r\n4\r\nhell\r\n", b""], "before the body"),
        ([OK + b"transfer-encoding: chunked\r\n\r\n4\r\nhell\r\nno\r\n"], "chunk size"),
        ([OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\n"], "Content-Length"),
        ([b"HTTP/1.1 101 Other\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"], "protocol"),
        ([b"SSH-2.0 dropbear\r\n"], "HTTP"),
        ([OK + b"x: " + b"y" * (LONGEST_HEAD // 2), b"y" * LONGEST_HEAD], "Over"),
    ],
)
def test_what_is_no_answer(pieces, match):
    *good, last = pieces
    answer = Answer()
    for piece in good:
        answer.feed(piece)
    with pytest.raises(HttpParserError, match=match):
        answer.feed(last)
    assert not answer.is_whole
    assert not answer.can_another_follow
    assert answer.taken() in {b"", b"hell"}
