"""`python -m emissary_emulator --port 8484`: the emulator on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from emissary_emulator import faults
from emissary_emulator.server import run


def _greet(root: str) -> None:
    sys.stdout.write(f"Emulator on {root}/emissary, {root}/orq and {root}/atoma\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Listen until interrupted; 1 when the port cannot be had."""
    parser = argparse.ArgumentParser(
        prog="emissary-emulator", description="Plays Emissary, Orq and Atoma on loopback."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8484, help="port to listen on (8484)")
    parser.add_argument("--faults", action="store_true", help="print the faults there are")
    options = parser.parse_args(arguments)
    if options.faults:
        sys.stdout.write(faults.__doc__ or "")
        return 0
    try:
        run(options.host, options.port, _greet)
    except OSError as error:
        where = f"port {options.port} on {options.host}"
        sys.stderr.write(
            f"emissary-emulator: {where} can't be had ({error}); choose another with --port\n"
        )
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
