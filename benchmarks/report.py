"""What a run says: the goals, the costs behind them, and what was left out, as Markdown."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.clients.registry import ENTRIES
from benchmarks.goals import Check
from benchmarks.measures import Measure
from benchmarks.rounds import Medians, Results
from benchmarks.scenarios import IMPORT, SCENARIOS

BEGIN, END = "<!-- begin: benchmarks -->", "<!-- end: benchmarks -->"
UNSURPRISING = {"not compared here", "does not do this"}
VERDICTS = {True: "yes", False: "**no**", None: ""}
COMPARED: Mapping[str, tuple[str, ...]] = {
    "langchain": ("httpx", "langchain-core", "langchain-core+make", "ChatOpenAI"),
    "llamaindex": ("httpx", "llama-index-core", "llama-index-core+make", "OpenAILike"),
    "sdk": ("httpx",),
    "floor": ("httpx",),
}
"""What the clients of a family are compared with, where it was measured."""


def goals_table(checks: Iterable[Check]) -> str:
    """Each goal, its result and whether it is met."""
    rows = [
        (
            each.row,
            each.what,
            f"≤ {each.limit:g}",
            "not measured" if each.result is None else f"{each.result:.2f}",
            VERDICTS[each.passed],
        )
        for each in checks
    ]
    return table(("goal", "of", "at most", "result", "met"), rows)


def costs_table(medians: Medians) -> str:
    """Processor and wall time of every client in every scenario, in µs."""
    keys = [each.key for each in SCENARIOS if each.key in medians] + [IMPORT] * (IMPORT in medians)
    measured = {name for key in keys for name in medians[key]}
    clients = [entry.name for entry in ENTRIES if entry.name in measured]
    rows = [
        (name, *(_cell(medians[key][name]) if name in medians[key] else "" for key in keys))
        for name in clients
    ]
    return table(("processor / wall, µs", *keys), rows)


def ratios_table(medians: Medians) -> str:
    """Each client's cost beside the floor, its framework alone and its peer."""
    families = {entry.name: entry.family for entry in ENTRIES}
    rows = []
    for key, clients in medians.items():
        for name, measure in clients.items():
            others = [clients.get(other) for other in COMPARED[families[name]]]
            others += [None] * (4 - len(others))
            if "wall" in measure:
                rows.append((key, name, *(_ratio(measure, other) for other in others)))
    head = (
        "",
        "client",
        "/ httpx",
        "/ framework",
        "/ with chunks made",
        "/ ChatOpenAI, OpenAILike",
    )
    return table(head, rows)


def _ratio(measure: Measure, other: Measure | None) -> str:
    clock = "cpu" if "cpu" in measure else "wall"
    return f"{measure[clock] / other[clock]:.2f}" if other and other.get(clock) else ""


def _cell(measure: Measure) -> str:
    if "peak" in measure:
        return f"{measure['peak']:.0f} MB, +{measure['growth']:.1f}"
    if "contexts" in measure:
        return f"{measure['contexts']:g} TLS, {measure['connections']:g} conn."
    clocks = [_digits(measure[clock]) for clock in ("cpu", "wall") if clock in measure]
    counted = f", {measure['connections']:g} conn." if "connections" in measure else ""
    return " / ".join(clocks) + counted


def _digits(microseconds: float) -> str:
    return f"{microseconds:,.1f}" if microseconds < 100 else f"{microseconds:,.0f}"


def left_out(reasons: Mapping[str, Mapping[str, str]], missing: Mapping[str, str]) -> str:
    """Who was not measured, and why."""
    lines = [f"{name}: not installed here ({needed})" for name, needed in missing.items()]
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, clients in reasons.items():
        for name, reason in clients.items():
            keys[name, reason].append(key)
    lines += [
        f"{name}: {reason} ({', '.join(found)})"
        for (name, reason), found in keys.items()
        if reason not in UNSURPRISING
    ]
    return "\n".join(f"- {line}" for line in lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand under each other."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def as_json(results: Results, checks: Iterable[Check], about: Mapping[str, Any]) -> str:
    """All of a run, for machines."""
    told = {
        "about": dict(about),
        "goals": [asdict(check) | {"passed": check.passed} for check in checks],
        "medians": results.medians(),
        "samples": results.samples,
        "left_out": results.left_out,
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def publish(text: str, page: Path) -> None:
    """Put a text between the marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
