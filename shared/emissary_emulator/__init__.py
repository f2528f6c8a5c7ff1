"""Emissary, Orq and Atoma played on loopback, for tests and demos without a network.

>>> import emissary_emulator
>>> with emissary_emulator.serve() as server:
...     server.base_url.startswith("http://127.0.0.1:")
True

The README beside this file says what is played, how keys and models are judged, how the little
model behind it answers, and which faults can be asked for.
"""

from __future__ import annotations

try:
    from emissary_emulator.app import Emulator
    from emissary_emulator.server import Server, serve
except ModuleNotFoundError as error:  # pragma: no cover
    if error.name not in {"starlette", "uvicorn"}:
        raise
    message = "The emulator needs the extra: pip install 'emissary-integrations[emulator]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from emissary_emulator.faults import Fault
from emissary_emulator.records import Record, Records

__all__ = ["Emulator", "Fault", "Record", "Records", "Server", "serve"]
