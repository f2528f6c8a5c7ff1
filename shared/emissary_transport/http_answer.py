"""Bytes in, an HTTP answer out: what httptools, the parser of Node.js, finds in them."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LONGEST_HEAD = 100 * 1024
"""Bytes, as with stock httpx."""


class Answer:
    r"""What has come in answer to one request. The parser calls the methods named `on_...`.

    Attributes:
        has_head: Whether status, reason and headers are known.
        is_whole: Whether all has come.
        can_another_follow: Whether the connection is fit for the next request.

    >>> answer = Answer()
    >>> answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")
    >>> answer.status, answer.taken(), answer.is_whole
    (200, b'ab', False)
    """

    def __init__(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_whole = self.can_another_follow = False
        self._size = 0
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(  # no more than what stock httpx takes
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    def feed(self, data: bytes) -> None:
        """Take the next bytes; none are the end of the connection.

        Raises:
            HttpParserError: An answer does not go on like this.
        """
        if self.is_whole or not data:
            self.can_another_follow = False
            self._end()
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            raise HttpParserError("The other side changes to another protocol.") from None
        except HttpParserError as exc:
            self.can_another_follow = False
            if exc.__context__ and not isinstance(exc.__context__, Exception):
                raise exc.__context__ from None  # an interrupt that came while it parsed
            if not self.is_whole:
                raise
        if self._pieces or self.is_whole:
            self._size = 0
        elif self._size > LONGEST_HEAD:
            raise HttpParserError(f"Over {LONGEST_HEAD} bytes came without any of the body.")

    def close(self) -> None:
        """Let go of the parser, which holds what it calls."""
        del self._parser

    def taken(self) -> bytes:
        """What has come of the body since this was last asked."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    def _end(self) -> None:
        if self.is_whole:
            return
        if not self.has_head:
            raise HttpParserError("Server disconnected without sending a response.")
        if {name.lower() for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}:
            raise HttpParserError("The connection ended before the body did.")
        self.is_whole = True

    def on_message_begin(self) -> None:
        """An answer begins: the one that is awaited, or one too many."""
        if self.is_whole:
            raise HttpParserError("More came than was asked for.")

    def on_status(self, part: bytes) -> None:
        """Some of the reason has come."""
        self.reason += part

    def on_header(self, name: bytes, told: bytes) -> None:
        """A header has come."""
        if not self.has_head:  # after it, it is a trailer
            self.headers.append((name, told.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is over: that of the answer, or of one that only announces it."""
        self.status = self._parser.get_status_code()
        self.has_head = not 100 <= self.status < 200
        if not self.has_head:
            self.reason = b""
            self.headers.clear()

    def on_message_complete(self) -> None:
        """The body is over."""
        self.is_whole = self.has_head
        self.can_another_follow = self.has_head and self._parser.should_keep_alive()
