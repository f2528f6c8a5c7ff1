"""Answers on their way out, with what was asked to go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from emissary_emulator.connection import Connection, GoneError
from emissary_emulator.faults import Fault
from emissary_emulator.records import Outcome
from emissary_emulator.service import Answer, Event, Failure, Refusal, Service

KEEP_ALIVE_EVERY = 0.015
_KEEP_ALIVE = b": keep-alive\n\n"
_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"


class Delivery:
    """Sends one answer over one connection and notes in the outcome how that went."""

    def __init__(
        self, service: Service, fault: Fault, connection: Connection, outcome: Outcome
    ) -> None:
        self.service, self.fault, self.outcome = service, fault, outcome
        self.connection = connection

    async def send(self, answer: Answer | Failure, request_id: str) -> None:
        """The whole exchange; a caller that leaves early ends it without a fuss."""
        try:
            await self._send(answer, {"x-request-id": request_id})
        except GoneError:
            self.outcome.left_early = True
            await self.connection.drop()

    async def _send(self, answer: Answer | Failure, headers: dict[str, str]) -> None:
        fault = self.fault
        if fault.status is not None and isinstance(answer, Answer):
            answer = self._asked_failure(fault.status)
        replaced = self._replaced(answer)
        streamed = replaced is None and isinstance(answer, Answer) and answer.events is not None
        if not (streamed and self.service.keep_alive):  # which is never silent
            await self.connection.pause(fault.delay)
        if fault.hang:
            await self.connection.pause(None)
        if fault.reset:
            await self.connection.drop(reset=True)
            return
        if replaced is not None:
            await self._plain(*replaced, headers)
        elif isinstance(answer, Failure):
            said = answer.body if isinstance(answer.body, str) else _json(answer.body)
            more = {**headers, **answer.headers}
            if fault.retry_after is not None and fault.status is not None:
                more["retry-after"] = str(fault.retry_after)
            await self._plain(answer.status, said, answer.media_type, more)
        elif answer.events is None:
            await self._plain(200, _json(self._changed(answer.body)), answer.media_type, headers)
        else:
            await self._stream(answer, headers)

    def _asked_failure(self, status: int) -> Failure:
        refusal = Refusal(status, self.fault.message, self.fault.code)
        if self.fault.shape:
            refusal = replace(refusal, shape=self.fault.shape)
        return self.service.failure(refusal)

    def _replaced(self, answer: Answer | Failure) -> tuple[int, str, str] | None:
        status = answer.status if isinstance(answer, Failure) else 200
        if self.fault.html:
            title = "Welcome" if status == 200 else f"{status} Gateway"
            return status, _PAGE.format(title), "text/html"
        if self.fault.empty:
            return status, "", "application/json"
        return (status, '{"id": "x', "application/json") if self.fault.garbage else None

    async def _plain(
        self, status: int, said: str, media_type: str, headers: dict[str, str]
    ) -> None:
        data, fault = said.encode(), self.fault
        whole = len(data)
        if fault.truncate is not None:
            data = data[: whole // 2]
            whole = len(data)
        self.outcome.status = status
        length = {"content-type": media_type, "content-length": str(whole)}
        await self.connection.start(status, length | headers)
        if fault.cut is not None or fault.stall is not None:
            await self.connection.write(data[: whole // 2], piece=fault.fragment)
            await (
                self.connection.pause(None) if fault.stall is not None else self.connection.drop()
            )
            return
        await self.connection.write(data, piece=fault.fragment)
        await self.connection.finish()
        self.outcome.finished = True

    async def _stream(self, answer: Answer, headers: dict[str, str]) -> None:
        self.outcome.status = 200
        more = {"content-type": answer.media_type, "cache-control": "no-cache"}
        await self.connection.start(200, more | headers)
        if self.service.keep_alive:
            await self._comments(self.fault.delay)
        await self._comments(self.fault.keepalive_flood)
        if self.fault.glue:
            pieces = [self._framed(event, answer) for event in self._events(answer)]
            await self.connection.write(b"".join(pieces), piece=self.fault.fragment)
            self.outcome.events = len(pieces)
        elif not await self._each(answer):
            return
        await self.connection.finish()
        self.outcome.finished = True

    async def _each(self, answer: Answer) -> bool:
        """Send event by event; False when the connection was broken off."""
        fault, piece = self.fault, self.fault.fragment
        for event in self._events(answer):
            if event.comment is not None:
                await self.connection.write(self._framed(event, answer), piece=piece)
                continue
            sent = self.outcome.events
            if sent == fault.cut:
                await self.connection.drop()
                return False
            if sent == fault.stall:
                await self.connection.pause(None)
            if sent == fault.truncate:
                return True
            if sent == fault.error_event:
                error = Event(self.service.stream_error)
                await self.connection.write(self._framed(error, answer), piece=piece)
                return True
            await self.connection.pause(fault.pace)
            await self.connection.write(self._framed(event, answer), piece=piece)
            self.outcome.events += 1
        return True

    async def _comments(self, seconds: float) -> None:
        for _ in range(round(seconds / KEEP_ALIVE_EVERY)):
            await self.connection.pause(KEEP_ALIVE_EVERY)
            await self.connection.write(_KEEP_ALIVE)

    def _events(self, answer: Answer) -> Iterator[Event]:
        for event in answer.events or ():
            if self.fault.no_done and event.text == "[DONE]":
                continue
            if self.fault.noise and event.comment is None:
                yield Event(comment="noise")
            yield replace(event, data=self._changed(event.data)) if event.data else event

    def _framed(self, event: Event, answer: Answer) -> bytes:
        said = event.text if event.text is not None else _json(event.data)
        if answer.media_type == "text/plain":
            return said.encode()
        if answer.media_type != "text/event-stream":
            return b"" if event.comment is not None else f"{said}\n".encode()
        if event.comment is not None:
            text = f": {event.comment}\n\n"
        else:
            text = "".join(f"data: {line}\n" for line in said.split("\n")) + "\n"
            if self.fault.noise:
                text = f"id: {self.outcome.events}\nretry: 3000\n{text}"
        return (text.replace("\n", "\r\n") if self.fault.crlf else text).encode()

    def _changed(self, body: Any) -> Any:
        for path in self.fault.omit:
            body = _without(body, path.split("."))
        for path in self.fault.null:
            body = _without(body, path.split("."), null=True)
        return _floated(body) if self.fault.floats else body


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _without(body: Any, path: list[str], *, null: bool = False) -> Any:
    """The body without the field, or with null for it, in every entry of lists on the way."""
    if isinstance(body, list):
        return [_without(entry, path, null=null) for entry in body]
    if not isinstance(body, dict) or path[0] not in body:
        return body
    if len(path) > 1:
        return {**body, path[0]: _without(body[path[0]], path[1:], null=null)}
    kept = {key: value for key, value in body.items() if key != path[0]}
    return {**body, path[0]: None} if null else kept


def _floated(body: Any) -> Any:
    if isinstance(body, list):
        return [_floated(entry) for entry in body]
    if isinstance(body, dict):
        return {key: _floated(value) for key, value in body.items()}
    return float(body) if isinstance(body, int) and not isinstance(body, bool) else body
