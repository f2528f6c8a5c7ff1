"""Write the tapes anew: `python -m contract.record [CASE ...]`.

From the emulator, unless RECORD=live is set: then from the real services whose keys are in the
environment (and, for Emissary's deployments, EMISSARY_PROJECT_ID and EMISSARY_DEPLOYMENT_ID; their
ids are scrubbed). Cases that need a fault on request can't be had from a live service.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import emissary_emulator
from emissary_transport import ServiceError
from emissary_transport.services import ATOMA, EMISSARY, ORQ
from emissary_transport.settings import found_base_url, found_key

from . import raw
from .cases import Case
from .steps import driven
from .table import CASES
from .tapes import BASE_URLS, EMULATED, TAPES, Scrubbing, recording

EMULATOR_KEY = "emulator-key-0123456789"
SERVICES = {service.name: service for service in (EMISSARY, ORQ, ATOMA)}


def record_emulated(server: emissary_emulator.Server, case: Case, folder: Path = TAPES) -> None:
    """Write one tape from the emulator, which answers the same each time."""
    server.clear()
    if case.fault:
        server.fail_next(**case.fault)
    name = case.surface.service
    base_url, key = f"{server.base_url}/{name}", case.key or EMULATOR_KEY
    scrubbing = Scrubbing((key,), {base_url: BASE_URLS[name]})
    with recording(folder / case.tape, EMULATED, scrubbing):
        _play(case, key, base_url)


def record_live(case: Case) -> bool:
    """Write one tape from the live service, if there is a key for it."""
    service = SERVICES[case.surface.service]
    key, ids = found_key(service), case.surface.ids
    own = {name: os.environ.get(f"EMISSARY_{name.upper()}", "") for name in ids}
    if key is None or case.fault or not all(own.values()):
        return False
    base_url, used = found_base_url(service), case.key or key
    today = datetime.datetime.now(datetime.timezone.utc).date()
    told = {base_url: BASE_URLS[service.name], **{own[name]: ids[name] for name in ids}}
    with recording(
        TAPES / case.tape, f"{service.title}, live, on {today}", Scrubbing((key, used), told)
    ):
        _play(replace(case, surface=case.surface.with_ids(own)), used, base_url)
    return True


def _play(case: Case, key: str, base_url: str) -> None:
    try:
        driven("sync", raw.play(case, "sync", key, base_url))
    except ServiceError:
        if case.outcome.error is None:
            raise


def main(names: list[str]) -> None:
    """Write the tapes of these cases, or of all."""
    wanted = [case for case in CASES if not names or case.tape.removesuffix(".yaml") in names]
    if os.environ.get("RECORD") == "live":
        _record(wanted, record_live)
        return
    with emissary_emulator.serve() as server:
        _record(wanted, lambda case: record_emulated(server, case) is None)


def _record(cases: list[Case], record: Callable[[Case], bool]) -> None:
    for case in cases:
        print(f"{case.tape}: {'written' if record(case) else 'left as it is'}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
