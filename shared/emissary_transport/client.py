"""The two shells: they send, read and wait as they are told. All rules are elsewhere."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from typing import Any, TypeAlias, cast

import anyio
import httpx

from emissary_transport.assembly import assembled
from emissary_transport.catalogue import Page, described_model, listed_models
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
    delivery,
    fetch,
    interruption,
    post,
    without_key,
)
from emissary_transport.inquiry import Inquiry, ModelCard
from emissary_transport.lingering import alet_end, let_end
from emissary_transport.pool import Connections
from emissary_transport.secrecy import discreet, secrets_of
from emissary_transport.service import Service
from emissary_transport.services import LISTINGS
from emissary_transport.settings import Settings
from emissary_transport.sse import WholeBody
from emissary_transport.timeouts import httpx_timeout
from emissary_transport.types import Call, Delta, Reply

LONGEST_REFUSAL = 1024 * 1024
Questions: TypeAlias = Generator[Inquiry[Page], Page, T]
"""What asks for one page after the other, and gives what they come to."""


class _Base:
    """What both shells know: whom to ask, and how."""

    def __init__(
        self, service: Service, settings: Settings, connections: Connections | None = None
    ) -> None:
        self.service = service
        self.settings = settings
        self.connections = connections or Connections()
        self._secrets = secrets_of(service.bare_key(settings.api_key), settings.headers)
        self._timeout = timeout = httpx_timeout(settings.timeout)
        stall = settings.stall_timeout
        self._stall = timeout.read if stall is None else stall
        waits = [wait for wait in (timeout.read, stall) if wait is not None]
        self._stream_timeout = httpx.Timeout(
            connect=timeout.connect,
            read=min(waits, default=None),
            write=timeout.write,
            pool=timeout.pool,
        )

    def _delivery(self, exchange: Exchange) -> Flow[httpx.Response]:
        url = self.service.url(self.settings.base_url, exchange.url_path, exchange.ids)
        send = post(self.service, self.settings, url, exchange.body, stream=exchange.streams)
        return delivery(self.service, self.settings, send)

    def _inquiry(self, inquiry: Inquiry[Any]) -> Flow[httpx.Response]:
        service, settings = inquiry.service, self.settings
        if inquiry.body is None:
            send = fetch(service, settings, inquiry.url, has_key=inquiry.has_key)
            return delivery(service, settings, send)
        send = post(service, settings, inquiry.url, inquiry.body, stream=False)
        return delivery(service, settings, send)

    def _models(self, listing: str | None, filters: dict[str, Any]) -> Questions[list[ModelCard]]:
        listings = LISTINGS.get(self.service.name, {})
        return listed_models(self.service, self.settings.base_url, listings, listing, filters)

    def _model(self, model: str) -> Questions[ModelCard]:
        listings = LISTINGS.get(self.service.name, {})
        return described_model(self.service, self.settings.base_url, listings, model)

    def _request(self, http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
        timeout = self._stream_timeout if send.streams else self._timeout
        if not self.connections.is_own(http):  # a shared one has nothing of its own to add
            return httpx.Request(
                send.method,
                _parsed(send.url),
                headers=send.headers,
                content=send.content,
                extensions={"timeout": timeout.as_dict()},
            )
        is_theirs = self.settings.timeout is None and http.timeout != httpx.Timeout(5.0)
        return http.build_request(
            send.method,
            send.url,
            headers=send.headers,
            content=send.content,
            timeout=http.timeout if is_theirs else timeout,
        )


_parsed = functools.lru_cache(maxsize=256)(httpx.URL)


class Client(_Base):
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
        with closing(self.stream(call)) as deltas:
            return assembled(deltas)

    def stream(self, call: Call) -> Generator[Delta, None, None]:
        """Answer a call piece by piece; leaving early ends the request at once.

        Raises:
            ServiceError: As for `chat`; what came before was handed over.
            ValueError: As for `chat`.
        """
        exchange = Exchange(self.service, call)
        with discreet(self._secrets):
            while not exchange.answered:
                response = self._run(self._delivery(exchange))
                try:
                    reader = exchange.reader(response.headers.get("content-type", ""))
                    watch = Watch(self._stall)
                    try:
                        chunks = response.iter_bytes()
                        for chunk in chunks:
                            for delta in reader.feed(chunk):
                                yield delta
                            if reader.done:
                                break
                            watch.check(reader)
                    except httpx.RequestError as exc:
                        error = interruption(reader, exc)
                        if error is not None:
                            for delta in reader.rest():
                                yield delta
                            raise error from without_key(exc)
                    for delta in reader.close():
                        yield delta
                    if reader.marked:
                        let_end(response, chunks)
                finally:
                    response.close()
                    chunk = b""  # what came is not for crash reports
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
            http = self.connections.client()
            request = self._request(http, command)
            return http.send(request, stream=True, follow_redirects=False)
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


class AsyncClient(_Base):
    """A service, spoken to asynchronously, under asyncio or trio."""

    sleep: Callable[[float], Awaitable[None]] = staticmethod(anyio.sleep)

    async def chat(self, call: Call) -> Reply:
        """Answer a call; see `Client.chat`."""
        async with aclosing(self.stream(call)) as deltas:
            return assembled([delta async for delta in deltas])

    async def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Answer a call piece by piece; see `Client.stream`."""
        exchange = Exchange(self.service, call)
        with discreet(self._secrets):
            while not exchange.answered:
                response = await self._run(self._delivery(exchange))
                try:
                    reader = exchange.reader(response.headers.get("content-type", ""))
                    watch = Watch(self._stall)
                    try:
                        chunks = response.aiter_bytes()
                        async for chunk in chunks:
                            for delta in reader.feed(chunk):
                                yield delta
                            if reader.done:
                                break
                            watch.check(reader)
                    except httpx.RequestError as exc:
                        error = interruption(reader, exc)
                        if error is not None:
                            for delta in reader.rest():
                                yield delta
                            raise error from without_key(exc)
                    for delta in reader.close():
                        yield delta
                    if reader.marked:
                        await alet_end(chunks)
                finally:
                    await response.aclose()
                    chunk = b""  # what came is not for crash reports
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
            http = await self.connections.async_client()
            request = self._request(http, command)
            return await http.send(request, stream=True, follow_redirects=False)
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
