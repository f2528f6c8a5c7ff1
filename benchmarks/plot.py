"""The plot of docs/performance.md, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from benchmarks.clients.registry import ENTRIES, Role
from benchmarks.rounds import Medians

PANELS = (
    ("stream-2k", "One streamed text chunk"),
    ("tool-2k", "One fragment of a streamed tool call"),
    ("call", "One plain call"),
    ("calls", "One of 256 concurrent async calls"),
)
COLOURS: dict[Role, str] = {
    "ours": "#0b7285",
    "peer": "#adb5bd",
    "alone": "#e9c46a",
    "floor": "#e9c46a",
}
LEGEND: tuple[tuple[Role, str], ...] = (
    ("ours", "emissary-integrations"),
    ("peer", "other integrations and SDKs"),
    ("alone", "bare httpx, the frameworks alone"),
)
WIDTH, NAME, BAR, GAP, TOP = 860, 170, 15, 4, 52


def svg(medians: Medians) -> str:
    """Bars of processor time, a panel for each kind of work."""
    parts, y = list(_legend()), TOP
    for key, title in PANELS:
        bars = [
            (entry.name, entry.role, medians[key][entry.name]["cpu"])
            for entry in ENTRIES
            if entry.name in medians.get(key, {})
        ]
        if bars:
            parts += _panel(title, bars, y)
            y += 34 + len(bars) * (BAR + GAP) + 18
    style = "text{font:12px system-ui,sans-serif;fill:#212529}.t{font-weight:600;font-size:13px}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
        f'height="{y}" role="img" aria-label="Processor time per unit of work">\n'
        f'<style>{style}</style>\n<rect width="{WIDTH}" height="{y}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _legend() -> Iterator[str]:
    x = 16
    for role, words in LEGEND:
        yield f'<rect x="{x}" y="16" width="12" height="12" fill="{COLOURS[role]}"/>'
        yield f'<text x="{x + 18}" y="26">{words}</text>'
        x += 40 + 7 * len(words)


def _panel(title: str, bars: Sequence[tuple[str, Role, float]], y: int) -> Iterator[str]:
    longest = max(value for _, _, value in bars)
    yield f'<text class="t" x="16" y="{y + 14}">{title}, µs of processor time</text>'
    for number, (name, role, value) in enumerate(bars):
        top = y + 26 + number * (BAR + GAP)
        length = max(1.0, value / longest * (WIDTH - NAME - 90))
        shown = f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
        yield f'<text x="{NAME - 8}" y="{top + 12}" text-anchor="end">{escape(name)}</text>'
        yield (
            f'<rect x="{NAME}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" '
            f'fill="{COLOURS[role]}"/>'
        )
        yield f'<text x="{NAME + length + 6:.1f}" y="{top + 12}">{shown}</text>'
