"""Who may import whom, and how long a module may be."""

import ast
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "emissary_transport": ROOT / "shared" / "emissary_transport",
    "emissary_emulator": ROOT / "shared" / "emissary_emulator",
    "langchain_emissary": ROOT / "langchain_emissary",
    "llamaindex_emissary": ROOT / "llamaindex_emissary",
}
MAY_IMPORT = {
    "emissary_transport": {
        "anyio",
        "httpcore",
        "httptools",
        "httpx",
        "pydantic_core",
    },
    "emissary_emulator": {"starlette", "uvicorn"},
    "langchain_emissary": {"emissary_transport", "langchain_core"},
    "llamaindex_emissary": {"emissary_transport", "llama_index"},
}
COMMON = {"pydantic", "typing_extensions"}
SHELLS = {
    "asking",
    "carriers",
    "client",
    "fast_async",
    "fast_sync",
    "faster",
    "flow",
    "gathering",
    "httpx_words",
    "idle",
    "lingering",
    "pool",
    "settings",
    "stock",
    "surroundings",
    "timeouts",
}
"""Modules of the transport that may know httpx, the clock, the environment or threads."""
IMPURE = {
    "httpx",
    "httpcore",
    "anyio",
    "os",
    "time",
    "random",
    "socket",
    "threading",
    "ssl",
    "asyncio",
}
LONGEST = 400

MODULES = [
    pytest.param(package, path, id=str(path.relative_to(ROOT)))
    for package, folder in PACKAGES.items()
    for path in sorted(folder.rglob("*.py"))
]


class RunTime(ast.NodeTransformer):
    """Leaves out what is there for type checkers only."""

    def visit_If(self, node):
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return ast.Pass() if is_for_types else self.generic_visit(node)


@cache
def imports(path):
    """The dotted names that a module imports to run, wherever in it."""
    names = set()
    for node in ast.walk(RunTime().visit(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(("package", "path"), MODULES)
def test_imports_point_one_way(package, path):
    tops = {name.partition(".")[0] for name in imports(path)}
    foreign = tops - sys.stdlib_module_names - {package}
    assert foreign <= MAY_IMPORT[package] | COMMON


@pytest.mark.parametrize(("package", "path"), MODULES)
def test_no_module_is_too_long(package, path):
    assert len(path.read_text().splitlines()) < LONGEST


TRANSPORT = PACKAGES["emissary_transport"]


def module(path):
    return ".".join(("emissary_transport", *path.relative_to(TRANSPORT).with_suffix("").parts))


def test_the_transport_has_no_circles():
    paths = {module(path).removesuffix(".__init__"): path for path in TRANSPORT.rglob("*.py")}
    del paths["emissary_transport"]
    graph = {name: imports(path) & paths.keys() - {name} for name, path in paths.items()}
    order = list(TopologicalSorter(graph).static_order())
    place = {name.removeprefix("emissary_transport."): at for at, name in enumerate(order)}
    assert place["errors"] < place["service"] < place["reading"] < place["flow"] < place["client"]


PURE = [path for path in sorted(TRANSPORT.rglob("*.py")) if path.stem not in SHELLS]


@pytest.mark.parametrize("path", PURE, ids=module)
def test_what_decides_touches_nothing(path):
    """No network, clock, environment, sleep or thread outside of the shells."""
    assert not {name.partition(".")[0] for name in imports(path)} & IMPURE
