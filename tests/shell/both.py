"""Both shells by one name, over a script of answers."""

import asyncio
import json

import httpx

from emissary_transport import AsyncClient, Client, Connections, Settings
from emissary_transport.assembly import assembled

KEY = "sk-test-1234567890"
BASE = "https://service.example"


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, of which an exception may be the last; it knows how far it was read."""

    def __init__(self, *pieces):
        self.pieces = pieces
        self.given = 0
        self.closed = False

    def __iter__(self):
        for piece in self.pieces:
            self.given += 1
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True


class Script:
    """What the peer does: one step a request, an answer or an exception; the last one repeats."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step() if callable(step) else step

    @property
    def bodies(self):
        return [json.loads(request.content) for request in self.requests]


class Both:
    """A client that is sync or async inside, and sync outside; it does not sleep but remember."""

    def __init__(self, how, service, script, *, http=None, **settings):
        self.is_sync = how == "sync"
        self.script = script
        self.slept = []
        self.settings = Settings(**{"api_key": KEY, "base_url": BASE} | settings)
        transport = httpx.MockTransport(script)
        make = httpx.Client if self.is_sync else httpx.AsyncClient
        self.http = make(transport=transport, **http or {})
        if self.is_sync:
            self.client = Client(service, self.settings, Connections(self.http))
            self.client.sleep = self.slept.append
        else:
            self.client = AsyncClient(service, self.settings, Connections(None, self.http))
            self.client.sleep = self._asleep

    async def _asleep(self, seconds):
        self.slept.append(seconds)

    @property
    def tries(self):
        return len(self.script.requests)

    def chat(self, call):
        answer = self.client.chat(call)
        return answer if self.is_sync else asyncio.run(answer)

    def stream(self, call, *make, take=None, into=None):
        """The deltas of a call; after `take` of them the stream is left, `into` sees each come."""
        into = [] if into is None else into
        if self.is_sync:
            stream = self.client.stream(call, *make)
            for delta in stream:
                into.append(delta)
                if len(into) == take:
                    stream.close()
            return into
        asyncio.run(self._astream(self.client.stream(call, *make), take, into))
        return into

    async def _astream(self, stream, take, into):
        async for delta in stream:
            into.append(delta)
            if len(into) == take:
                await stream.aclose()

    def streamed(self, call):
        return assembled(self.stream(call))

    def close(self):
        if self.is_sync:
            self.client.close()
        else:
            asyncio.run(self.client.aclose())


def answer(text="hello", **more):
    """A whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text} | more}
    return httpx.Response(200, json={"id": "a1", "choices": [choice | {"finish_reason": "stop"}]})


def refusal(status, headers=None, body=None):
    """A step that refuses."""
    said = {"error": {"code": "X", "message": f"Refused with {status}."}} if body is None else body
    return lambda: httpx.Response(status, headers=headers, json=said)


def streamed(*pieces, content_type="text/event-stream", **headers):
    """An answer with a body in pieces, and that body."""
    body = Body(*pieces)
    return httpx.Response(200, headers={"content-type": content_type, **headers}, stream=body), body
