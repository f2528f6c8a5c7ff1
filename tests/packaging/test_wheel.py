"""The wheel: what it ships, and that each extra alone is enough for what it promises.

An empty environment is made of links to just the distributions that the wheel declares, so that
nothing has to be fetched.
"""

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGES = ["emissary_transport", "emissary_emulator", "langchain_emissary", "llamaindex_emissary"]
IMPORTS = {
    "": ["emissary_transport"],
    "langchain": ["langchain_emissary"],
    "llamaindex": ["llamaindex_emissary"],
    "emulator": ["emissary_emulator"],
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(target.glob("*.whl"))


def environment(wheel: Path, extra: str, place: Path) -> Path:
    """A directory that holds the wheel and what it declares for the extra, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    own = importlib.metadata.PathDistribution(next(place.glob("*.dist-info")))
    todo, seen = requirements(own, {extra}), set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in seen:
            continue
        seen.add((name, *requirement.extras))
        found = importlib.metadata.distribution(name)
        todo += requirements(found, {"", *requirement.extras})
        link(found, place)
    return place


def requirements(
    distribution: importlib.metadata.Distribution, extras: set[str]
) -> list[Requirement]:
    declared = [Requirement(line) for line in distribution.requires or []]
    return [
        requirement
        for requirement in declared
        if requirement.marker is None
        or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def link(distribution: importlib.metadata.Distribution, place: Path) -> None:
    for file in distribution.files or []:
        top = Path(file.parts[0])
        target = place / top.name
        source = Path(str(distribution.locate_file(top)))
        if top.name not in {"..", "__pycache__"} and source.exists() and not target.exists():
            target.symlink_to(source)


def run(place: Path, code: str) -> subprocess.CompletedProcess[str]:
    start = f"import sys; sys.path.append({str(place)!r}); {code}"
    command = [sys.executable, "-I", "-S", "-W", "error::ImportWarning", "-c", start]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("extra", IMPORTS)
def test_each_extra_alone_is_enough(extra: str, wheel: Path, tmp_path: Path) -> None:
    place = environment(wheel, extra, tmp_path)
    for name in IMPORTS[extra]:
        done = run(place, f"from {name} import *")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("extra", ["langchain", "llamaindex", "emulator"])
def test_what_is_missing_is_named(extra: str, wheel: Path, tmp_path: Path) -> None:
    place = environment(wheel, "", tmp_path)
    done = run(place, f"import {IMPORTS[extra][0]}")
    assert f"pip install 'emissary-integrations[{extra}]'" in done.stderr


def test_ships_four_typed_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert tops == set(PACKAGES)
    assert all(f"{package}/py.typed" in names for package in PACKAGES)


def test_base_dependencies_are_few(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    needs = [line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert sorted(Requirement(line.split(":", 1)[1].strip()).name for line in needs) == [
        "httpcore",
        "httpx",
        "pydantic",
    ]
