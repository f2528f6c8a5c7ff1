"""What the demos share: the services, the documents, and how things are printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

DOCUMENTS = {
    "rivers.md": "The Vltava flows through Prague. It is 430 km long and joins the Elbe at Melnik.",
    "brno.md": "Brno is the second largest city of the country. The Svratka flows through Brno.",
    "trains.md": "The fastest train from Prague to Brno takes two hours and a half.",
}
WEATHER = {"Prague": "9 degrees and rain", "Brno": "14 degrees and sun"}


@dataclass(frozen=True)
class Service:
    """One of the three services, and the model to ask there."""

    name: str
    title: str
    model: str

    def has_key(self) -> bool:
        """Whether the environment holds a key for it."""
        return bool(os.environ.get(f"{self.name.upper()}_API_KEY"))


def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"{city}: {WEATHER.get(city, 'no report')}"


def headline(text: str) -> None:
    """Print a headline over what follows."""
    print(f"\n{text}\n{'=' * len(text)}")


def step(service: Service, what: str) -> None:
    """Say what comes next."""
    print(f"\n[{service.title}] {what}")


def stream(pieces: Iterable[str]) -> str:
    """Print pieces of text as they come, and give the whole."""
    whole = ""
    for piece in pieces:
        shown = piece if whole else piece.lstrip("\n")
        if shown and not whole:
            sys.stdout.write("  ")
        whole += shown
        sys.stdout.write(shown.replace("\n", "\n  "))
        sys.stdout.flush()
    print()
    return whole
