"""The two shells: they send, read and wait as they are told. All rules are elsewhere."""

from __future__ import annotations

import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from typing import Any, TypeAlias, cast, overload

import anyio
import httpx

from emissary_transport.asking import Asking, OnePiece, Questions
from emissary_transport.assembly import Assembly
from emissary_transport.errors import BadAnswer
from emissary_transport.exchange import Exchange
from emissary_transport.flow import (
    Command,
    Flow,
    ReadRefusal,
    Send,
    T,
    Watch,
    cut_off,
    interruption,
    without_key,
)
from emissary_transport.inquiry import Inquiry, ModelCard
from emissary_transport.lingering import alet_end, let_end
from emissary_transport.secrecy import discreet
from emissary_transport.sse import WholeBody
from emissary_transport.types import Call, Delta, Reply

LONGEST_REFUSAL = 1024 * 1024

Make: TypeAlias = Callable[[Delta], T | None]
"""What makes of a delta what a framework wants, or nothing."""


def _as_it_is(delta: Delta) -> Delta:
    return delta


def _made(make: Make[T], deltas: Iterable[Delta]) -> Iterator[T]:
    return (made for made in map(make, deltas) if made is not None)


def _is_bare(headers: httpx.Headers) -> bool:
    return "content-encoding" not in headers


class Client(Asking):
    """A service, spoken to synchronously.

    Example:
        >>> settings = Settings(api_key="...", base_url=ORQ.base_url)  # doctest: +SKIP
        >>> Client(ORQ, settings).chat(
        ...     Call(model="openai/gpt-4o", messages=(...,))
        ... )  # doctest: +SKIP
    """

    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def chat(self, call: Call) -> Reply:
        """Answer a call.

        Raises:
            ServiceError: The service gave no usable answer.
            ValueError: The call asks for what can't be sent; nothing was.
        """
        answer = Assembly()
        for _ in self.stream(call, answer.add):
            pass  # all of them were taken in
        return answer.reply()

    @overload
    def stream(self, call: Call) -> Generator[Delta, None, None]: ...
    @overload
    def stream(self, call: Call, make: Make[T]) -> Generator[T, None, None]: ...
    def stream(self, call: Call, make: Make[Any] = _as_it_is) -> Generator[Any, None, None]:
        """Answer a call piece by piece; leaving early ends the request at once.

        Args:
            call: What is asked.
            make: Makes of each delta what is handed over; where that is None, nothing is. What it
                raises comes out as it is. (A generator around this one would cost more.)

        Raises:
            ServiceError: As for `chat`; what came before was handed over.
            ValueError: As for `chat`.
        """
        exchange = Exchange(self.service, call)
        delta: Delta | None
        with discreet(self._secrets):
            while not exchange.answered:
                response = self._run(self._delivery(exchange))
                try:
                    reader = exchange.reader(response.headers.get("content-type", ""))
                    watch = Watch(self._stall)
                    try:
                        chunks = self._pieces(response)
                        for chunk in chunks:
                            for delta in reader.feed(chunk):
                                if (made := make(delta)) is not None:
                                    yield made
                            if reader.done:
                                break
                            watch.check(reader)
                    except httpx.RequestError as exc:
                        error = interruption(reader, exc)
                        if error is not None:
                            yield from _made(make, reader.rest())
                            raise error from without_key(exc)
                    yield from _made(make, reader.close())
                    if reader.marked:
                        let_end(response, chunks)
                finally:
                    response.close()
                    chunk, delta, made = b"", None, None  # what came is not for crash reports
                exchange.settle()

    def ask(self, inquiry: Inquiry[T]) -> T:
        """Put one question and give what its answer means.

        Raises:
            ServiceError: The service gave no usable answer.
            ValueError: The question can't be sent; nothing was.
        """
        with discreet(self._secrets):
            return inquiry.answer(self._content(inquiry))

    def _content(self, inquiry: Inquiry[Any]) -> bytes:
        response = self._run(self._inquiry(inquiry))
        body = WholeBody()
        try:
            for chunk in response.iter_bytes():
                body.feed(chunk)
            return b"".join(body.close())
        except BadAnswer as error:
            error.service = self.service.name
            raise
        except httpx.RequestError as exc:
            raise cut_off(self.service, exc) from without_key(exc)
        finally:
            response.close()

    def list_models(self, listing: str | None = None, **filters: Any) -> list[ModelCard]:
        """Ask which models the service offers, to the last page.

        Args:
            listing: Which of its lists: Orq has `catalogue` and `models`, Atoma `models` and
                `open_router`; the first one if not given.
            **filters: What the list can be narrowed by, such as Orq's `provider`.

        Raises:
            ServiceError: The service gave no usable answer.
            ValueError: There is no such list or filter.
        """
        return self._follow(self._models(listing, filters))

    def describe_model(self, model: str) -> ModelCard:
        """Ask what the service tells about a model.

        Raises:
            ServiceError: As for `list_models`; also if no such model is listed.
        """
        return self._follow(self._model(model))

    def _follow(self, questions: Questions[T]) -> T:
        try:
            inquiry = next(questions)
            while True:
                inquiry = questions.send(self.ask(inquiry))
        except StopIteration as end:
            return cast("T", end.value)

    def _pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The body as it comes; what is ours and not packed, without httpx's bookkeeping."""
        if self.connections.own is None and _is_bare(response.headers):
            return iter(response.stream)  # type: ignore[arg-type]
        return response.iter_bytes()

    def _run(self, flow: Flow[T]) -> T:
        """Do what the flow asks for, and tell it what came of it."""
        try:
            command = next(flow)
            while True:
                try:
                    came = self._obey(command)
                except httpx.RequestError as exc:
                    command = flow.throw(exc)
                else:
                    command = flow.send(came)
        except StopIteration as end:
            return cast("T", end.value)

    def _obey(self, command: Command) -> Any:
        if isinstance(command, Send):
            http = self.connections.own
            if http:
                request = self._own_request(http, command)
                return http.send(request, stream=True, follow_redirects=False)
            return self.connections.carrier().send(self._request(command))
        if isinstance(command, ReadRefusal):
            return self._refusal(command.response)
        return self.sleep(command.seconds)

    def _refusal(self, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LONGEST_REFUSAL:
                    break
        except httpx.RequestError:  # what came so far says why, or nothing does
            pass
        finally:
            response.close()
        return bytes(body)

    def close(self) -> None:
        """Close the connections, unless other models use them or they are the caller's."""
        self.connections.close()


class AsyncClient(Asking):
    """A service, spoken to asynchronously, under asyncio or trio."""

    sleep: Callable[[float], Awaitable[None]] = staticmethod(anyio.sleep)

    async def chat(self, call: Call) -> Reply:
        """Answer a call; see `Client.chat`."""
        answer = Assembly()
        async for _ in self.stream(call, answer.add):
            pass  # all of them were taken in
        return answer.reply()

    @overload
    def stream(self, call: Call) -> AsyncGenerator[Delta, None]: ...
    @overload
    def stream(self, call: Call, make: Make[T]) -> AsyncGenerator[T, None]: ...
    async def stream(self, call: Call, make: Make[Any] = _as_it_is) -> AsyncGenerator[Any, None]:
        """Answer a call piece by piece; see `Client.stream`."""
        exchange = Exchange(self.service, call)
        delta: Delta | None
        with discreet(self._secrets):
            while not exchange.answered:
                response = await self._run(self._delivery(exchange))
                try:
                    reader = exchange.reader(response.headers.get("content-type", ""))
                    watch = Watch(self._stall)
                    try:
                        chunks = self._pieces(response)
                        async for chunk in chunks:
                            for delta in reader.feed(chunk):
                                if (made := make(delta)) is not None:
                                    yield made
                            if reader.done:
                                break
                            watch.check(reader)
                    except httpx.RequestError as exc:
                        error = interruption(reader, exc)
                        if error is not None:
                            for made in _made(make, reader.rest()):
                                yield made
                            raise error from without_key(exc)
                    for made in _made(make, reader.close()):
                        yield made
                    if reader.marked:
                        await alet_end(chunks)
                finally:
                    await response.aclose()
                    chunk, delta, made = b"", None, None  # what came is not for crash reports
                exchange.settle()

    async def ask(self, inquiry: Inquiry[T]) -> T:
        """Put one question and give what its answer means; see `Client.ask`."""
        with discreet(self._secrets):
            return inquiry.answer(await self._content(inquiry))

    async def _content(self, inquiry: Inquiry[Any]) -> bytes:
        response = await self._run(self._inquiry(inquiry))
        body = WholeBody()
        try:
            async for chunk in response.aiter_bytes():
                body.feed(chunk)
            return b"".join(body.close())
        except BadAnswer as error:
            error.service = self.service.name
            raise
        except httpx.RequestError as exc:
            raise cut_off(self.service, exc) from without_key(exc)
        finally:
            await response.aclose()

    async def list_models(self, listing: str | None = None, **filters: Any) -> list[ModelCard]:
        """Ask which models the service offers; see `Client.list_models`."""
        return await self._follow(self._models(listing, filters))

    async def describe_model(self, model: str) -> ModelCard:
        """Ask what the service tells about a model; see `Client.describe_model`."""
        return await self._follow(self._model(model))

    async def _follow(self, questions: Questions[T]) -> T:
        try:
            inquiry = next(questions)
            while True:
                inquiry = questions.send(await self.ask(inquiry))
        except StopIteration as end:
            return cast("T", end.value)

    def _pieces(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body as it comes; see `Client`."""
        if self.connections.own_async is None and _is_bare(response.headers):
            return aiter(response.stream)  # type: ignore[arg-type]
        return response.aiter_bytes()

    async def _run(self, flow: Flow[T]) -> T:
        """Do what the flow asks for, and tell it what came of it."""
        try:
            command = next(flow)
            while True:
                try:
                    came = await self._obey(command)
                except httpx.RequestError as exc:
                    command = flow.throw(exc)
                else:
                    command = flow.send(came)
        except StopIteration as end:
            return cast("T", end.value)

    async def _obey(self, command: Command) -> Any:
        if isinstance(command, Send):
            http = self.connections.own_async
            if http:
                request = self._own_request(http, command)
                request.stream = OnePiece(command.content)
                return await http.send(request, stream=True, follow_redirects=False)
            carrier = await self.connections.async_carrier()
            return await carrier.send(self._request(command))
        if isinstance(command, ReadRefusal):
            return await self._refusal(command.response)
        return await self.sleep(command.seconds)

    async def _refusal(self, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_REFUSAL:
                    break
        except httpx.RequestError:  # what came so far says why, or nothing does
            pass
        finally:
            await response.aclose()
        return bytes(body)

    async def aclose(self) -> None:
        """Close the connections, unless other models use them or they are the caller's."""
        await self.connections.aclose()
