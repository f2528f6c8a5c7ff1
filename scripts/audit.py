# ruff: noqa: T201 - it is a command
"""Audit what the package brings along: licences, and known vulnerabilities where they can be asked.

Looks at `emissary-integrations[all]` as it is installed, with all that it requires. Licences are
read from the installed metadata, without a network. Vulnerabilities are asked of osv.dev; where
that can't be reached, or with AUDIT=offline, a line says that they were not looked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import httpx
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "emissary-integrations[all]"
ALLOWED = {
    "0bsd",
    "apache-2.0",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "cnri-python",
    "hpnd",
    "isc",
    "mit",
    "mit-0",
    "mit-cmu",
    "mpl-2.0",
    "psf-2.0",
    "python-2.0",
    "unlicense",
    "zlib",
}
"""SPDX ids of licences that let users do with the package what its own lets them."""
WORDS = {
    "mit license": "mit",
    "mit": "mit",
    "apache software license": "apache-2.0",
    "apache license 2.0": "apache-2.0",
    "apache license, version 2.0": "apache-2.0",
    "apache 2.0": "apache-2.0",
    "bsd license": "bsd-3-clause",
    "bsd": "bsd-3-clause",
    "isc license (iscl)": "isc",
    "mozilla public license 2.0 (mpl 2.0)": "mpl-2.0",
    "python software foundation license": "psf-2.0",
    "the unlicense (unlicense)": "unlicense",
    "zlib/libpng license": "zlib",
    "historical permission notice and disclaimer (hpnd)": "hpnd",
}
"""How older metadata puts them."""
JUDGED = {"dirtyjson": "mit"}
"""Distributions whose metadata is of no use, and the licence that they ship or let one choose."""
ACCEPTED: dict[str, str] = {}
"""Ids of vulnerabilities that do not reach us, and why."""
OSV = "https://api.osv.dev/v1/querybatch"


def required(root: str) -> Iterator[Distribution]:
    """The distributions that a requirement brings along, as they are installed here."""
    todo, seen = [Requirement(root)], set[tuple[str, str]]()
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        if not any(each == name for each, _ in seen):
            yield found
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                todo += _needs(found, extra)


def _needs(found: Distribution, extra: str) -> list[Requirement]:
    declared = [Requirement(line) for line in found.requires or []]
    return [
        each for each in declared if each.marker is None or each.marker.evaluate({"extra": extra})
    ]


def licences(found: Distribution) -> list[str]:
    """SPDX ids of the licences that a distribution names, or its own words where they are none."""
    told = found.metadata
    name = canonicalize_name(told["Name"])
    if name in JUDGED:
        return [JUDGED[name]]
    if expression := told.get("License-Expression"):
        return _ids(expression)
    classified = [
        line.rpartition(" :: ")[2].lower()
        for line in told.get_all("Classifier") or []
        if line.startswith("License :: OSI Approved :: ")
    ]
    if classified:
        return [WORDS.get(each, each) for each in classified]
    said = (told.get("License") or "no licence").split("\n")[0].strip()
    return [WORDS[said.lower()]] if said.lower() in WORDS else _ids(said)


def _ids(expression: str) -> list[str]:
    """The ids in an SPDX expression; all have to be allowed, also where one may choose."""
    words = expression.lower().replace("(", " ").replace(")", " ").split()
    return [word for word in words if word not in {"and", "or", "with"}]


def unlicensed(distributions: Iterable[Distribution]) -> list[str]:
    """A line for each distribution with a licence that is not allowed."""
    return [
        f"{found.metadata['Name']} {found.version}: {', '.join(licences(found))}"
        for found in distributions
        if not set(licences(found)) <= ALLOWED
    ]


def vulnerable(distributions: Iterable[Distribution], client: httpx.Client) -> list[str]:
    """A line for each distribution with known vulnerabilities.

    Raises:
        httpx.HTTPError: The database can't be asked.
    """
    asked = list(distributions)
    queries = [
        {"package": {"name": found.metadata["Name"], "ecosystem": "PyPI"}, "version": found.version}
        for found in asked
    ]
    response = client.post(OSV, json={"queries": queries})
    response.raise_for_status()
    lines = []
    for found, result in zip(asked, response.json()["results"], strict=True):
        ids = {each["id"] for each in (result or {}).get("vulns", ())} - ACCEPTED.keys()
        if ids:
            lines.append(f"{found.metadata['Name']} {found.version}: {', '.join(sorted(ids))}")
    return lines


def main() -> int:
    """Print what was found; 1 if something has to be done about it."""
    own = canonicalize_name(Requirement(ROOT).name)
    found = [each for each in required(ROOT) if canonicalize_name(each.metadata["Name"]) != own]
    if not found:
        print(f"audit: {ROOT} is not installed")
        return 1
    bad = unlicensed(found)
    print(f"audit: licences of {len(found)} distributions: {'; '.join(bad) or 'all allowed'}")
    if os.environ.get("AUDIT") == "offline":
        print("audit: known vulnerabilities: not looked for (AUDIT=offline)")
        return bool(bad)
    try:
        with httpx.Client(timeout=3) as client:
            known = vulnerable(found, client)
    except (httpx.HTTPError, ValueError, KeyError) as error:
        print(f"audit: known vulnerabilities: not looked for ({type(error).__name__})")
        return bool(bad)
    print(f"audit: known vulnerabilities: {'; '.join(known) or 'none'}")
    return bool(bad or known)


if __name__ == "__main__":
    sys.exit(main())
