"""The ASGI app: three services under three prefixes, each request recorded and checked."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from emissary_emulator.connection import RAW_SEND, Connection, connected
from emissary_emulator.delivery import Delivery
from emissary_emulator.faults import Fault, FaultBook
from emissary_emulator.records import Record, Records
from emissary_emulator.service import (
    Answer,
    Ask,
    Failure,
    Operation,
    Refusal,
    RefusedError,
    Service,
)
from emissary_emulator.services import atoma, chat, emissary, orq
from emissary_emulator.shapes import Shape

SERVICES = (emissary.SERVICE, orq.SERVICE, atoma.SERVICE)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Emulator:
    """Plays the services to any ASGI server, or straight to `httpx.ASGITransport`."""

    def __init__(self) -> None:
        self.requests = Records()
        self.faults = FaultBook()
        self._connections: set[Connection] = set()
        self._stopping = False
        self._times: Counter[str] = Counter()
        self.numbers = itertools.count(1)
        routes = [
            _Endpoint(self, service, operation).route()
            for service in SERVICES
            for operation in service.operations
        ]
        routes += [_Endpoint(self, service, None).route() for service in SERVICES]
        self._app = Starlette(routes=routes)
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ids in a path may hold encoded slashes, so the path is matched as it came."""
        if scope["type"] == "http":
            raw = scope.get("raw_path") or scope["path"].encode()
            path = raw.partition(b"?")[0].decode("ascii", "replace")
            scope = {**scope, "path": path, RAW_SEND: send}
        await self._app(scope, receive, send)

    def count(self, path: str, body: Any) -> int:
        """How many times the very same request came before."""
        key = json.dumps([path, body], sort_keys=True)
        self._times[key] += 1
        return self._times[key] - 1

    def stop(self) -> None:
        """Let go of all callers, also of those who would have to wait for ever."""
        self._stopping = True
        for connection in self._connections:
            connection.close()

    @contextlib.contextmanager
    def holding(self, connection: Connection) -> Iterator[None]:
        """Keep a connection in mind until it is done with."""
        self._connections.add(connection)
        if self._stopping:
            connection.close()
        try:
            yield
        finally:
            self._connections.discard(connection)

    def clear(self) -> None:
        """Forget all requests and faults."""
        self.requests.clear()
        self.faults.clear()
        self._times.clear()


class _Sent(Response):
    """A response that was worked out before and only has to be delivered."""

    def __init__(
        self,
        emulator: Emulator,
        service: Service,
        record: Record,
        fault: Fault,
        answer: Answer | Failure,
    ) -> None:
        super().__init__()
        self._emulator, self._service, self._record = emulator, service, record
        self._fault, self._answer = fault, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with connected(scope, receive, send) as connection:
            outcome = self._record.outcome
            delivery = Delivery(self._service, self._fault, connection, outcome)
            with self._emulator.holding(connection):
                await delivery.send(self._answer, self._record.request_id)


class _Endpoint:
    """One operation of a service; without an operation, all other paths of it."""

    def __init__(self, emulator: Emulator, service: Service, operation: Operation | None) -> None:
        self.emulator, self.service, self.operation = emulator, service, operation

    def route(self) -> Route:
        path = f"/{self.service.name}"
        if self.operation is None:
            return Route(path + "{rest:path}", self.respond, methods=_METHODS)
        return Route(path + self.operation.path, self.respond, methods=[self.operation.method])

    async def respond(self, request: Request) -> Response:
        raw = await request.body()
        body = _parsed(raw)
        record = Record(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers=dict(request.headers),
            body=None if isinstance(body, ValueError) else body,
            raw=raw,
            service=self.service.name,
            request_id=f"req-{next(self.emulator.numbers)}",
        )
        self.emulator.requests.add(record)
        try:
            fault = self.emulator.faults.take(self.service.name, record.path, request.headers)
            self._understand(fault)
        except ValueError as error:
            return _Sent(
                self.emulator,
                self.service,
                record,
                Fault(),
                Failure(400, f"emulator: {error}", "text/plain"),
            )
        answer: Answer | Failure
        try:
            answer = self._answer(request, body, fault)
        except RefusedError as error:
            answer = self.service.failure(error.refusal)
        return _Sent(self.emulator, self.service, record, fault, answer)

    def _understand(self, fault: Fault) -> None:
        service = self.service
        for what, asked, known in (
            ("profile", fault.profile, service.profiles),
            ("shape", fault.shape, service.shapes),
        ):
            if asked and asked not in known:
                raise ValueError(f"{service.name} has no {what} called {asked!r}")

    def _answer(self, request: Request, body: Any, fault: Fault) -> Answer:
        operation, service = self.operation, self.service
        path = request.url.path
        if operation is None or request.method != operation.method:
            raise RefusedError(self._no_path(request.method, path))
        shape = operation.shape(fault.profile or "")
        keyed = not operation.needs_key or service.authorised(request.headers)
        if shape is not None:
            self._check(operation, shape, request, body, keyed=keyed)
        elif not keyed:
            raise RefusedError(Refusal(401))
        given = body if shape is not None else {}
        place = {name: unquote(str(value)) for name, value in request.path_params.items()}
        model = given.get("model") or place.get("deployment_id")
        if model and not chat.is_known(model):
            raise RefusedError(service.no_model(model))
        return operation.answer(
            Ask(
                body=given,
                path=path,
                place=place,
                query=parse_qs(request.url.query),
                profile=fault.profile or "",
                nth=0 if fault.status else self.emulator.count(path, given),
                words=fault.words,
                preface=fault.preface,
            )
        )

    def _check(
        self, operation: Operation, shape: Shape, request: Request, body: Any, *, keyed: bool
    ) -> None:
        """Refuse what is wrong, in the order in which the service looks at things."""
        if not _is_json(request.headers):
            raise RefusedError(Refusal(415))
        if not keyed and not self.service.body_before_key:
            raise RefusedError(Refusal(401))
        if isinstance(body, ValueError):
            raise RefusedError(self.service.bad_json(str(body)))
        if operation.first_look and isinstance(body, dict):
            refusal = operation.first_look(body)
            if refusal is not None:
                raise RefusedError(refusal)
        if not keyed:
            raise RefusedError(Refusal(401))
        if problem := shape.problem(body):
            raise RefusedError(self.service.wrong_field(problem))

    def _no_path(self, method: str, path: str) -> Refusal:
        paths = self.service.operations
        here = path.removeprefix(f"/{self.service.name}")
        status = 405 if any(op.path == here and op.method != method for op in paths) else 404
        return Refusal(status, f"There is no {method} {here}", shape=self.service.no_path)


def _is_json(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json"


def _parsed(raw: bytes) -> Any:
    """The body as JSON, or the error that says why it is none."""
    try:
        body = json.loads(raw, parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        return ValueError(str(error) or "is nested too deeply")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
