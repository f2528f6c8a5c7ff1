"""Pieces of a body in, whole events out: server-sent events, JSON lines, JSON, plain text.

Each splitter has `feed(bytes) -> list[bytes]` and `close() -> list[bytes]`; what they give back is
the data of one event each. Nothing is decoded here, so a chunk border may fall anywhere, also
inside a character.
"""

from __future__ import annotations

import codecs
from typing import Protocol

from emissary_transport.errors import BadAnswer

MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024
"""Of an answer that comes as one, such as many embeddings."""
BOM = b"\xef\xbb\xbf"


class ErrorData(bytes):
    """The data of an event that came under the name `error`."""


class Splitter(Protocol):
    """Bytes in, events out."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the events that this chunk completes."""
        ...

    def close(self) -> list[bytes]:
        """Give what is left when the body has ended."""
        ...


class _Buffer:
    """Pieces that wait for their end; joined once, so that a long event costs no more a byte."""

    def __init__(self, limit: int, slack: int = 0) -> None:
        self.limit = limit
        self._slack = slack
        self._pieces: list[bytes] = []
        self._size = 0

    def __bool__(self) -> bool:
        return self._size > 0

    def append(self, piece: bytes) -> None:
        """Let a piece wait."""
        # Checked before the next piece is taken, so that whole events before it are out already.
        self._check()
        self._pieces.append(piece)
        self._size += len(piece)

    def take(self) -> bytes:
        """Give all that waits."""
        whole = b"".join(self._pieces) if len(self._pieces) > 1 else (*self._pieces, b"")[0]
        self._pieces.clear()
        self._size = 0
        return whole

    def last(self) -> bytes:
        """Give what waits when no more comes."""
        self._check()
        return self.take()

    def within(self, blocks: list[bytes]) -> list[bytes]:
        """The blocks before one that is too long, which is told when the next piece comes."""
        for place, block in enumerate(blocks):
            if len(block) > self.limit:
                self._pieces, self._size = [block], len(block) + self._slack
                return blocks[:place]
        return blocks

    def _check(self) -> None:
        if self._size > self.limit + self._slack:
            raise _too_long(self.limit)


def _too_long(limit: int) -> BadAnswer:
    return BadAnswer(f"The answer holds an event of more than {limit:,} bytes.")


class EventSplitter:
    r"""Server-sent events by the WHATWG rules, except that a last event needs no blank line.

    >>> EventSplitter().feed(b": hi\r\rdata: 1\r\ndata: 2\n\ndata:3\n\n")
    [b'1\n2', b'3']

    See https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._buffer = _Buffer(limit or MAX_EVENT_BYTES, slack=1)  # half of a blank line
        self._after_cr = False
        self._after_lf = False
        self._at_start = True
        self._is_between = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the data of each event that this chunk completes."""
        if (
            self._is_between
            and chunk[:6] == b"data: "
            and chunk.find(b"\n") == len(chunk) - 2 > 6
            and chunk[-1] == 10
            and b"\r" not in chunk
            and len(chunk) <= self._buffer.limit
        ):  # one event and nothing else: nearly always
            return [chunk[6:-2]]
        events = self._split(chunk)
        self._is_between = not (self._buffer or self._after_cr or self._at_start)
        return events

    def _split(self, chunk: bytes) -> list[bytes]:
        if chunk and (self._after_cr or b"\r" in chunk):
            chunk = self._with_line_feeds(chunk)
        if not chunk:
            return []
        ends_here = b"\n\n" in chunk or (self._after_lf and chunk[0] == 10)
        self._after_lf = chunk[-1] == 10
        self._buffer.append(chunk)
        if not ends_here:
            return []
        *blocks, rest = self._buffer.take().split(b"\n\n")
        if rest:
            self._buffer.append(rest)
        return self._data(self._buffer.within(blocks))

    def close(self) -> list[bytes]:
        """Give the event that the body ended in, if any."""
        return self._data([self._buffer.last()])

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """CR and CRLF become LF, also when a chunk ends between the two."""
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
        self._after_cr = chunk[-1:] == b"\r"
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _data(self, blocks: list[bytes]) -> list[bytes]:
        if self._at_start and blocks:
            self._at_start = False
            blocks[0] = blocks[0].removeprefix(BOM)
        events = []
        for block in blocks:
            if block.startswith(b"data:") and b"\n" not in block:  # nearly every block
                data = block[6:] if block[5:6] == b" " else block[5:]
            else:
                data = _data_of(block)
            if data:
                events.append(data)
        return events


def _data_of(block: bytes) -> bytes:
    """The data of one event by the whole grammar."""
    lines, name = [], b""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            lines.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    data = b"\n".join(lines)
    return ErrorData(data) if name == b"error" else data


class LineSplitter:
    """One event a line, as in `application/x-ndjson`."""

    def __init__(self, limit: int | None = None) -> None:
        self._buffer = _Buffer(limit or MAX_EVENT_BYTES)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the lines that this chunk completes."""
        self._buffer.append(chunk)
        if b"\n" not in chunk:
            return []
        *lines, rest = self._buffer.take().split(b"\n")
        if rest:
            self._buffer.append(rest)
        return [line for line in map(bytes.strip, self._buffer.within(lines)) if line]

    def close(self) -> list[bytes]:
        """Give the last line if no line end followed it."""
        rest = self._buffer.last().strip()
        return [rest] if rest else []


class WholeBody:
    """The body as one event."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = self._room = limit or MAX_BODY_BYTES
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Keep the chunk."""
        self._room -= len(chunk)
        if self._room < 0:
            raise _too_long(self._limit)
        self._pieces.append(chunk)
        return []

    def close(self) -> list[bytes]:
        """Give the body."""
        body = b"".join(self._pieces).removeprefix(BOM).strip()
        self._pieces.clear()
        return [body] if body else []


class TextPieces:
    """Each chunk is an event, cut only at the borders of characters."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the whole characters so far."""
        text = self._decoder.decode(chunk)
        return [text.encode()] if text else []

    def close(self) -> list[bytes]:
        """Give what is left of a character that never ended."""
        text = self._decoder.decode(b"", final=True)
        return [text.encode()] if text else []
