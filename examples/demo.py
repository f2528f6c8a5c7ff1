"""Watch Emissary, Orq and Atoma stream, call tools and answer from documents.

Without anything set, the three services are played by the emulator on loopback: no key, no
network. With `DEMO=live`, every service whose key is in the environment is asked for real.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import langchain_demo
import llamaindex_demo
import retrieval_demo
from stage import Service, headline

from emissary_transport import ServiceError

SERVICES = (
    Service("emissary", "Emissary", os.environ.get("EMISSARY_MODEL", "Llama-3.2-3B-Instruct")),
    Service("orq", "Orq", os.environ.get("ORQ_MODEL", "openai/gpt-4o-mini")),
    Service("atoma", "Atoma", os.environ.get("ATOMA_MODEL", "meta-llama/Llama-3.3-70B-Instruct")),
)


PARTS = {
    "LangChain": langchain_demo.show,
    "LlamaIndex": llamaindex_demo.show,
    "Retrieval": retrieval_demo.show,
}


@contextmanager
def stage() -> Iterator[list[Service]]:
    """Give the services to show: played here, or the real ones."""
    if os.environ.get("DEMO") == "live":
        found = [service for service in SERVICES if service.has_key()]
        if not found:
            sys.exit("DEMO=live needs a key: set EMISSARY_API_KEY, ORQ_API_KEY or ATOMA_API_KEY.")
        print("Talking to", ", ".join(service.title for service in found), "for real.")
        yield found
        return
    import emissary_emulator

    with emissary_emulator.serve() as server:
        for service in SERVICES:
            os.environ[f"{service.name.upper()}_BASE_URL"] = f"{server.base_url}/{service.name}"
            os.environ[f"{service.name.upper()}_API_KEY"] = "demo-key"
        for name in ("EMISSARY_PROJECT_ID", "EMISSARY_DEPLOYMENT_ID"):
            os.environ.pop(name, None)
        print(f"Playing the three services on {server.base_url}; no key and no network needed.")
        yield list(SERVICES)


def shown(part: Callable[[Service], None], services: list[Service]) -> int:
    """Show a part of the demo on each service, and give how many could not do it."""
    failed = 0
    for service in services:
        try:
            part(service)
        except ServiceError as error:
            failed += 1
            print(f"\n[{service.title}] {error}")
    return failed


def main() -> None:
    """Run the demos, one service after the other."""
    started = time.perf_counter()
    failed = 0
    with stage() as services:
        for title, part in PARTS.items():
            headline(title)
            failed += shown(part, services)
    print(f"\nDone in {time.perf_counter() - started:.1f} s.")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
