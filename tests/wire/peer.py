"""A peer on loopback that does what a script says, to the byte."""

import json
import socket
import struct
import threading
from contextlib import suppress

CLOSE, RESET, LEFT = "close", "reset", "left"
"""Steps: hang up; hang up rudely; wait until the other side hangs up."""


class Peer:
    """Plays one answer a request; the last one repeats.

    An answer is a list of steps, or a function from the request to one: bytes are sent, a number
    is a pause in seconds, an event is set, and see above.

    Attributes:
        accepts: How many connections there were.
        requests: Head and body of each request.
        asked: Set when a request came.
        left: Set when the other side hung up.
        served: Set while no connection is open.
    """

    def __init__(self, *answers, tls=None):
        self._tls = tls
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.base_url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepts = 0
        self.requests = []
        self.asked = threading.Event()
        self.left = threading.Event()
        self.served = threading.Event()
        self.served.set()
        self._over = threading.Event()
        self._connections = set()

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *exc):
        self._over.set()
        with self._lock:
            for each in (self._listener, *self._connections):
                with suppress(OSError):  # the other side was faster
                    each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepts += 1
                self._connections.add(connection)
                self.served.clear()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, connection)

    def _serve(self, connection):
        try:
            if self._tls:
                connection = self._over_tls(connection)
            while request := _request(connection):
                self.asked.set()
                with self._lock:
                    self.requests.append(request)
                    several = len(self._answers) > 1
                    answer = self._answers.pop(0) if several else self._answers[0]
                if not self._play(connection, answer(request) if callable(answer) else answer):
                    return
        except OSError:  # the other side is gone
            pass
        finally:
            with self._lock:
                self._connections.remove(connection)
                connection.close()
                if not self._connections:
                    self.served.set()
            self.left.set()

    def _over_tls(self, connection):
        over = self._tls.wrap_socket(connection, server_side=True)
        with self._lock:
            self._connections.remove(connection)
            self._connections.add(over)
        return over

    def _play(self, connection, steps):
        """Whether the connection is still of use."""
        for step in steps:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, float):
                self._over.wait(step)
            elif isinstance(step, threading.Event):
                step.set()
            elif step == LEFT:
                connection.settimeout(5)
                while connection.recv(1000):
                    pass
                return False
            else:
                if step == RESET:
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                return False
        return True


def _request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    size = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            size = int(line.partition(b":")[2])
    while len(body) < size:
        piece = connection.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def head(status="200 OK", **headers):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def whole(body, status="200 OK", content_type="application/json", **headers):
    """An answer in one piece."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return [head(status, content_type=content_type, content_length=len(body), **headers) + body]


def said(text):
    """A good answer."""
    return whole({"id": "a", "choices": [{"message": {"content": text}, "finish_reason": "stop"}]})


def echoed(request):
    """A good answer that repeats the last message."""
    return said(json.loads(request.partition(b"\r\n\r\n")[2])["messages"][-1]["content"])


STREAM = head(content_type="text/event-stream", transfer_encoding="chunked")
ENDED = b"0\r\n\r\n"


def part(data):
    """A chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(*pieces):
    """A stream with one HTTP chunk a piece; a number is a pause."""
    return [
        STREAM,
        *(part(piece) if isinstance(piece, bytes) else piece for piece in pieces),
        ENDED,
    ]
