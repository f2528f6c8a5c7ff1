"""The audit of what the package brings along, and the lock file."""

from __future__ import annotations

import importlib.util
import json
import re
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
assert SPEC is not None
assert SPEC.loader is not None
audit: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)


class Installed:
    """A distribution as its metadata tells of it."""

    def __init__(self, name: str, *told: tuple[str, str]) -> None:
        self.metadata = Message()
        self.metadata["Name"], self.version = name, "1.0"
        for header, value in told:
            self.metadata[header] = value


def classified(licence: str) -> tuple[str, str]:
    return "Classifier", f"License :: OSI Approved :: {licence}"


@pytest.mark.parametrize(
    ("told", "is_allowed"),
    [
        ([("License-Expression", "MIT")], True),
        ([("License-Expression", "(Apache-2.0 OR BSD-3-Clause) AND MPL-2.0")], True),
        ([("License-Expression", "MIT OR GPL-3.0-only")], False),
        ([("License-Expression", "AGPL-3.0-or-later"), classified("MIT License")], False),
        ([classified("Apache Software License")], True),
        ([classified("GNU General Public License v3 (GPLv3)")], False),
        ([("License", "BSD")], True),
        ([("License", "MPL-2.0 AND MIT")], True),
        ([("License", "Ask me")], False),
        ([], False),
    ],
)
def test_licences(told: Any, is_allowed: bool) -> None:
    found = Installed("some-package", *told)
    assert audit.unlicensed([found]) == [] if is_allowed else audit.unlicensed([found])


def test_what_is_required_is_all_allowed() -> None:
    found = [each for name in ("httpx", "langchain-core") for each in audit.required(name)]
    names = {each.metadata["Name"].lower() for each in found}
    assert {"httpx", "httpcore", "langchain-core", "langsmith", "pydantic"} <= names
    assert audit.unlicensed(found) == []


def test_known_vulnerabilities_are_told() -> None:
    def peer(request: httpx.Request) -> httpx.Response:
        queries = json.loads(request.content)["queries"]
        assert queries[0] == {"package": {"name": "a", "ecosystem": "PyPI"}, "version": "1.0"}
        return httpx.Response(200, json={"results": [{"vulns": [{"id": "PYSEC-1"}]}, {}]})

    client = httpx.Client(transport=httpx.MockTransport(peer))
    assert audit.vulnerable([Installed("a"), Installed("b")], client) == ["a 1.0: PYSEC-1"]


@pytest.mark.parametrize("answer", [503, "no network", "no json"])
def test_what_can_not_be_asked_is_said_and_does_not_fail(
    answer: Any, monkeypatch: Any, capsys: Any
) -> None:
    def peer(request: httpx.Request) -> httpx.Response:
        if answer == "no network":
            raise httpx.ConnectError("no route")
        return httpx.Response(answer if answer == 503 else 200, text="hello")

    client = httpx.Client(transport=httpx.MockTransport(peer))
    monkeypatch.setattr(audit.httpx, "Client", lambda **_: client)
    monkeypatch.setattr(audit, "ROOT", "httpx")
    monkeypatch.setattr(audit, "required", lambda _: [Installed("a", ("License", "MIT"))])
    assert audit.main() == 0
    assert "known vulnerabilities: not looked for" in capsys.readouterr().out


def test_offline_nothing_is_asked(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("AUDIT", "offline")
    monkeypatch.setattr(audit, "vulnerable", None)
    monkeypatch.setattr(audit, "required", lambda _: [Installed("a", ("License", "Ask me"))])
    assert audit.main() == 1
    assert "a 1.0: ask, me" in capsys.readouterr().out


def test_the_lock_holds_versions_and_no_addresses() -> None:
    lines = (ROOT / "requirements" / "dev.lock").read_text().splitlines()
    for line in lines:
        requirement = Requirement(line)
        assert re.fullmatch(r"==[\w.+]+", str(requirement.specifier)), line
        assert requirement.url is None
    names = {Requirement(line).name for line in lines}
    assert {"httpx", "pydantic", "langchain-core", "llama-index-core", "pytest", "ruff"} <= names
