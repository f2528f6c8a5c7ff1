"""Measure our models beside the frameworks alone and their peers: `make bench`.

Every client has a process of its own and asks one server, which has another. Within a round the
clients take turns, and each round begins with another one. What counts is the medians' ratios in
one run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import machine, plot, report
from benchmarks.clients.registry import ENTRIES, Entry
from benchmarks.goals import Check, Goals
from benchmarks.rounds import Results, Rounds
from benchmarks.scenarios import IMPORT, SCENARIOS
from benchmarks.server import running

RESULTS = machine.ROOT / "benchmarks" / "results.json"
PAGE = machine.ROOT / "docs" / "performance.md"
PLOT = machine.ROOT / "docs" / "performance.svg"
SMOKE = ("httpx", "langchain-core+make", "ChatOrq", "llama-index-core+make", "Orq")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; an exit code of 1 means that a client of ours gave no right answer."""
    options = _options(arguments)
    names = options.clients or (SMOKE if options.smoke else None)
    wanted = [entry for entry in ENTRIES if names is None or entry.name in names]
    present = [entry for entry in wanted if entry.missing is None]
    missing = {entry.name: entry.missing for entry in wanted if entry.missing}
    began = time.strftime("%Y-%m-%d %H:%M")
    results = _measured(present, options)
    if options.smoke:
        print(report.costs_table(results.medians()))
        return _failures(results, present)
    checks = list(Goals(results.medians(), options.clock).checks())
    if options.only or options.clients:
        checks = [check for check in checks if check.result is not None]
    about = machine.description() | {"began": began, "rounds": options.rounds}
    text = _told(results, checks, about, missing)
    print(text)
    print(report.ratios_table(results.medians()))
    RESULTS.write_text(report.as_json(results, checks, about))
    if options.publish:
        report.publish(text, PAGE)
        PLOT.write_text(plot.svg(results.medians()))
    return _failures(results, present)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [*(scenario.key for scenario in SCENARIOS), IMPORT]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--only", nargs="+", choices=keys, metavar="KEY", help=", ".join(keys))
    parser.add_argument("--clients", nargs="+", metavar="NAME", help="only these clients")
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="which ratios")
    parser.add_argument("--publish", action="store_true", help="put the results into docs/")
    parser.add_argument("--no-pin", action="store_true", help="do not choose cores")
    parser.add_argument("--smoke", action="store_true", help="tiny numbers, only to see it work")
    return parser.parse_args(arguments)


def _measured(entries: Sequence[Entry], options: argparse.Namespace) -> Results:
    chosen = [each for each in SCENARIOS if not options.only or each.key in options.only]
    server_core, core = (None, None) if options.no_pin or options.smoke else machine.cores()
    with running(server_core) as url:
        rounds = Rounds(url, entries, core, is_smoke=options.smoke)
        rounds.run(chosen, 1 if options.smoke else options.rounds)
        if not options.only or IMPORT in options.only:
            rounds.run_imports(0 if options.smoke else options.rounds)
    return rounds.results


def _told(
    results: Results,
    checks: Sequence[Check],
    about: Mapping[str, Any],
    missing: Mapping[str, str],
) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    where = (
        f"{about['began']}, Python {about['python']}, {about['system']}, {about['cores']} cores "
        f"(load {about['load']:.1f}), {about['rounds']} rounds. {versions}."
    )
    parts = [
        where,
        report.goals_table(checks),
        report.costs_table(results.medians()),
        report.left_out(results.left_out, missing),
    ]
    return "\n\n".join(part for part in parts if part)


def _failures(results: Results, entries: Sequence[Entry]) -> int:
    """1 if a client of ours, or the floor, failed at what it has to do."""
    needed = {e.name for e in entries if e.role == "floor" or e.http == "httpx"}
    failed = [
        f"{name} failed at {key}: {reason}"
        for key, clients in results.left_out.items()
        for name, reason in clients.items()
        if name in needed and reason not in report.UNSURPRISING
    ]
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
