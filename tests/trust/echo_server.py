"""A peer on loopback that repeats what it was sent, in errors and in answers that are none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-marked-key-0123456789abcdef"
HEADER = "marked-header-0123456789abcdef"
SECRETS = (KEY, HEADER)
_SAID = f"You sent {KEY} and {HEADER}."
_ERROR = {"code": f"bad_{KEY}", "message": _SAID}
_ODD = {
    "unexpected": {KEY: HEADER},
    "data": [{"index": 0, "embedding": [KEY]}],
    "results": [{"index": KEY, "relevance_score": HEADER}],
    "response": [KEY],
}
MODES = (
    "refused",
    "flat",
    "escaped",
    "page",
    "redirect",
    "error200",
    "event",
    "text",
    "garbage",
    "odd",
    "broken",
    "hangup",
)
"""How it goes wrong; the first part of the path says."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        mode = self.path.split("/")[1]
        assert any(KEY in value for value in self.headers.values())
        assert HEADER in self.headers.values()
        getattr(self, f"_{mode}")()

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, body: str, kind: str = "application/json", **more: Any) -> None:
        data = body.encode()
        self.send_response(status)
        headers = {"content-type": kind, "content-length": len(data), **more}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def _refused(self) -> None:
        self._answer(401, json.dumps({"error": _ERROR, "id": f"req-{KEY}"}))

    def _flat(self) -> None:
        self._answer(403, json.dumps({"status": 403, "error": _SAID, KEY: [{"x": HEADER}]}))

    def _escaped(self) -> None:
        escaped = "".join(f"\\u{ord(char):04x}" for char in KEY)
        self._answer(400, f'{{"message": "Not {escaped}", "code": "{escaped}"}}')

    def _page(self) -> None:
        self._answer(404, f"Not found: {_SAID}", "text/plain")

    def _redirect(self) -> None:
        self._answer(307, "", location=f"https://elsewhere.invalid/?key={KEY}")

    def _error200(self) -> None:
        self._answer(200, json.dumps({"error": _ERROR}))

    def _event(self) -> None:
        self._answer(200, f"data: {json.dumps({'error': _ERROR})}\n\n", "text/event-stream")

    def _text(self) -> None:
        self._answer(200, _SAID, "text/html")

    def _garbage(self) -> None:
        self._answer(200, f'{{"{KEY}": "{HEADER}')

    def _odd(self) -> None:
        self._answer(200, json.dumps(_ODD))

    def _broken(self) -> None:
        self._answer(
            200, f"data: {json.dumps(_ODD)}", "text/event-stream", **{"content-length": 9999}
        )
        self.close_connection = True

    def _hangup(self) -> None:
        self.close_connection = True


@contextmanager
def echoing() -> Iterator[str]:
    """The address of such a peer, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
