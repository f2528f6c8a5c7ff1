"""Test with the lowest versions that pyproject.toml claims, in environments of their own.

`python scripts/floors.py [PYTEST ARGUMENT ...]` needs uv, which resolves to the lowest versions of
what we require directly and to the newest of all else. LangChain has an environment to itself,
since LlamaIndex needs a newer pydantic than we do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LANGCHAIN = ("tests/pure", "tests/shell", "tests/wire", "tests/emulator", "tests/langchain*")
EVERYTHING = ("tests",)
NEED_MORE = (
    "tests/docs",
    "tests/packaging",
    "tests/standard",
    "tests/langchain/test_agents.py",
)
"""Tests of, or with, packages that need newer versions than our floors."""
ENVIRONMENTS = {"langchain,emulator,fast": LANGCHAIN, "all": EVERYTHING}


def uv(*arguments: str) -> None:
    """Run uv, which the environment that runs this has."""
    environment = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", **os.environ}  # as pip does
    command = [sys.executable, "-m", "uv", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, env=environment)  # noqa: S603


def tested(extras: str, tests: tuple[str, ...], more: list[str]) -> bool:
    """Whether the tests pass with the floors of these extras."""
    place = ROOT / f".venv-floors-{extras.split(',')[0]}"
    python = str(place / "bin" / "python")
    uv("venv", "--quiet", "--clear", "--python", sys.executable, str(place))
    install = ("pip", "install", "--quiet", "--python", python)
    uv(*install, "--resolution", "lowest-direct", "--editable", f".[{extras}]")
    uv(*install, "--group", "tools")
    uv("pip", "list", "--quiet", "--python", python)
    paths = [str(path) for each in tests for path in sorted(ROOT.glob(each))]
    ignored = [f"--ignore={path}" for path in NEED_MORE]
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ignored, *paths, *more]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0  # noqa: S603


if __name__ == "__main__":
    passed = [tested(extras, which, sys.argv[1:]) for extras, which in ENVIRONMENTS.items()]
    sys.exit(not all(passed))
