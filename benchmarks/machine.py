"""The machine: cores, and where the code is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "httpx",
    "httpcore",
    "pydantic",
    "langchain-core",
    "langchain-openai",
    "langchain-mistralai",
    "llama-index-core",
    "llama-index-llms-openai-like",
    "openai",
    "httptools",
    "atoma-sdk",
    "orq-ai-sdk",
)


def cores() -> tuple[int | None, int | None]:
    """A core for the server and one for the client that is measured, where that can be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Stay on a core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def python_path() -> str:
    """Where this tree's packages are, whether or not they are installed."""
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(ROOT), str(ROOT / "shared"), *([given] if given else [])])


def description() -> dict[str, object]:
    """What the numbers hang on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
