"""The wire's example bodies, and short ways to read them."""

import json
from pathlib import Path

from emissary_transport.assembly import assembled
from emissary_transport.reading import Reader

WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
STREAMS = sorted(path.name for path in WIRE.glob("*.sse"))
ERRORS = sorted(path.name for path in WIRE.glob("*.error.*.json"))
SSE, JSON, NDJSON = "text/event-stream", "application/json", "application/x-ndjson"


def example(name):
    """The bytes of an example."""
    return (WIRE / name).read_bytes()


def sse(*events, end=""):
    """Values or texts as server-sent events; `end` is what follows the last one."""
    texts = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return ("".join(f"data: {text}\n\n" for text in texts) + end).encode()


def chunk(text="", finish_reason=None, /, **delta):
    """A chunk of a chat stream with one choice."""
    said = {"content": text, **delta} if text else delta
    return {"id": "c1", "choices": [{"index": 0, "delta": said, "finish_reason": finish_reason}]}


def deltas(service, body, content_type=SSE, *, streamed=True, size=None, **how):
    """What a reader gives for a body, whole or in pieces of a size."""
    reader = Reader(service, content_type, streamed=streamed, **how)
    size = size or len(body) or 1
    given = []
    for start in range(0, len(body), size):
        given += reader.feed(body[start : start + size])
        if reader.done:
            break
    return [*given, *reader.close()]


def read_into(given, service, *bodies, **how):
    """Read server-sent events, putting each delta's text where it is seen even after an error."""
    reader = Reader(service, SSE, streamed=True, **how)
    for body in bodies:
        given.extend(delta.text for delta in reader.feed(body))
    given.extend(delta.text for delta in reader.close())


def reply(service, body, content_type=SSE, **how):
    """The whole answer in a body."""
    return assembled(deltas(service, body, content_type, **how))
