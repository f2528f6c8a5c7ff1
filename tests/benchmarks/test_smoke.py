"""The benchmarks still run, and every client of ours gives right answers in them; nothing timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks import answers, plot, report
from benchmarks.goals import Check, Goals
from benchmarks.rounds import rotated
from benchmarks.scenarios import SCENARIOS

ROOT = Path(__file__).parent.parent.parent


def test_every_measure_runs_and_every_answer_is_right():
    command = [sys.executable, "-m", "benchmarks.run", "--smoke"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    head, _, *rows = run.stdout.splitlines()
    assert {scenario.key for scenario in SCENARIOS} <= set(head.replace("|", " ").split())
    measured = {row.split("|")[1].strip(): row.split("|")[2:-1] for row in rows}
    assert {"httpx", "ChatOrq", "Orq"} <= measured.keys()
    *cells, _ = measured["ChatOrq"]  # the last column is the import, which a smoke leaves out
    assert all(cell.strip() for cell in cells)


def test_each_round_begins_with_another_client():
    assert [rotated("abc", number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_a_stream_has_one_http_chunk_an_event():
    body = b"".join(answers.stream("text", 3, marked=True))
    assert body.count(b"\r\ndata: ") == 3 + len((b"finish", b"usage", b"[DONE]"))
    assert body.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_goals_take_the_worst_of_ours_and_leave_open_what_was_not_measured():
    calls = {"ChatOpenAI": 100.0, "ChatOrq": 30.0, "ChatAtoma": 50.0}
    medians = {"call": {name: {"cpu": cost} for name, cost in calls.items()}}
    checks = {check.what: check for check in Goals(medians).checks()}
    over_httpx = checks["call: LangChain, httpx / ChatOpenAI"]
    assert over_httpx == Check("plain call", over_httpx.what, 0.45, 0.5)
    assert over_httpx.passed is False
    assert checks["call: LangChain, fast / ChatOpenAI"].passed is None


def test_the_plot_is_svg_with_a_bar_a_client():
    drawn = plot.svg({"call": {"httpx": {"cpu": 1.0}, "ChatOrq": {"cpu": 2.0}}})
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert drawn.count("rx=") == 2


def test_results_are_put_between_the_marks_of_the_page(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.publish("new", page)
    assert page.read_text() == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"


def test_the_page_has_marks():
    assert report.BEGIN in (ROOT / "docs" / "performance.md").read_text()
