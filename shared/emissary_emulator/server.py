"""The emulator on a port: in a thread for tests, in the foreground for the command line."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from emissary_emulator.app import Emulator
from emissary_emulator.faults import Fault
from emissary_emulator.records import Records

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from emissary_emulator.faults import FaultOptions

_PATIENCE = 10.0


class Server:
    """A running emulator."""

    def __init__(self, emulator: Emulator, host: str, port: int) -> None:
        self.emulator = emulator
        self.host, self.port = host, port

    @property
    def base_url(self) -> str:
        """Where it listens; the services are under `/emissary`, `/orq` and `/atoma`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def requests(self) -> Records:
        """What came in, in order."""
        return self.emulator.requests

    def fail_next(
        self,
        *,
        times: int = 1,
        service: str | None = None,
        path: str | None = None,
        **options: Unpack[FaultOptions],
    ) -> None:
        """Give the next requests (to that service, with that in their path) a fault."""
        self.emulator.faults.queue(Fault(**options), times, service, path)

    def clear(self) -> None:
        """Forget all requests and faults."""
        self.emulator.clear()


class _Uvicorn(uvicorn.Server):
    """Says when it is ready, and lets hanging answers go when it stops."""

    def __init__(self, emulator: Emulator, host: str) -> None:
        super().__init__(
            uvicorn.Config(
                emulator,
                host=host,
                http="h11",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                timeout_keep_alive=75,
            )
        )
        self.emulator = emulator
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.emulator.stop()
        await super().shutdown(sockets=sockets)


@contextlib.contextmanager
def serve(port: int = 0, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run the emulator in a thread for the length of a block; port 0 takes any free one."""
    emulator = Emulator()
    with _bound(host, port) as bound:
        server = _Uvicorn(emulator, host)
        failed: list[BaseException] = []
        thread = threading.Thread(
            target=_run, args=(server, bound, failed), name="emissary-emulator", daemon=True
        )
        thread.start()
        try:
            if not server.ready.wait(_PATIENCE) or failed:
                raise RuntimeError("the emulator did not start") from (
                    failed[0] if failed else None
                )
            yield Server(emulator, host, bound.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


def run(host: str, port: int, greet: Callable[[str], None] = lambda _: None) -> None:
    """Run the emulator in the foreground until it is told to stop; greets once it has its port."""
    with _bound(host, port) as bound:
        greet(f"http://{host}:{bound.getsockname()[1]}")
        _Uvicorn(Emulator(), host).run(sockets=[bound])


def _run(server: _Uvicorn, bound: socket.socket, failed: list[BaseException]) -> None:
    try:
        server.run(sockets=[bound])
    except BaseException as error:  # handed to the thread that waits
        failed.append(error)
    finally:
        server.ready.set()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is spelled out
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound
