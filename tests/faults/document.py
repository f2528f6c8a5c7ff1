"""The matrix as the document shows it: `python -m faults.document` writes it anew."""

from __future__ import annotations

from pathlib import Path

from faults.rows import ROWS, Outcome, Row
from faults.statuses import STATUSES

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"


def cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.error is None:
        return "the answer"
    tries = f", {outcome.tries} tries" if outcome.tries > 1 else ""
    return f"`{outcome.error.__name__}`{tries}"


def line(row: Row) -> str:
    cells = (row.outcome("chat", "streamed"), row.outcome("chat", "plain"),
             row.outcome("embeddings", "plain"))  # fmt: skip
    return f"| {row.name} | {' | '.join(map(cell, cells))} | {row.note} |"


def matrix() -> str:
    """All rows, as Markdown."""
    lines = [
        "| Fault | Streamed | Plain | Embeddings, reranking | |",
        "|---|---|---|---|---|",
        *map(line, ROWS),
        "",
        "| Status | Everywhere |",
        "|---|---|",
        "| no connection | `NoAnswer`, 3 tries |",
        "| 301, 302, 304, 307, 308 | `Redirected`; the other address is not asked |",
        *(f"| {status} | {cell(outcome)} |" for status, outcome in STATUSES.items()),
    ]
    return "\n".join(lines)


def main() -> None:
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{matrix()}\n{END}{after}")


if __name__ == "__main__":
    main()
