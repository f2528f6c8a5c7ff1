"""Environments for the peers, beside `.venv`: what cannot be installed is left out and named.

Some services' SDKs want an older pydantic or httpx than the frameworks do, so each of those lives
alone.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAIN = ".venv-bench"
NEEDED = ["--editable", ".[all]"]
PEERS: Mapping[str, tuple[str, ...]] = {
    MAIN: (
        "langchain-openai",
        "langchain-mistralai",
        "llama-index-llms-openai-like",
        "orq-ai-sdk",
    ),
    f"{MAIN}-atoma": ("atoma-sdk",),
    f"{MAIN}-emissary": ("emissary-client-sdk",),
}


def python_of(environment: str) -> Path:
    """The interpreter of an environment, which may not be there."""
    return ROOT / environment / "bin" / "python"


def main() -> None:
    """Make the environments that are not made yet."""
    for environment, peers in PEERS.items():
        done = ROOT / environment / ".done"
        if done.exists():
            continue
        print(f"{environment}: {', '.join(peers)} ...", file=sys.stderr, flush=True)
        venv.create(ROOT / environment, with_pip=True)
        if environment == MAIN:
            _install(environment, *NEEDED, check=True)
        failed = [peer for peer in peers if not _install(environment, peer)]
        for peer in failed:
            print(f"{peer} can't be installed here and is left out.", file=sys.stderr)
        if not failed:
            done.touch()


def _install(environment: str, *what: str, check: bool = False) -> bool:
    command = [str(python_of(environment)), "-m", "pip", "install", "--quiet", *what]
    return subprocess.run(command, cwd=ROOT, check=check).returncode == 0


if __name__ == "__main__":
    main()
