"""What the demos share: the services, the documents, and how things are printed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

DOCUMENTS = {
    "rivers.md": "The Vltava flows through Prague. It is 430 km long and joins the Elbe at Melnik.",
    "brno.md": "Brno is the second largest city of the country. The Svratka flows through Brno.",
    "trains.md": "The fastest train from Prague to Brno takes two hours and a half.",
}
WEATHER = {"Prague": "9 degrees and rain", "Brno": "14 degrees and sun"}
KEYS = {
    "emissary": ("EMISSARY_API_KEY", "EMISSARY_CLIENT_API_KEY"),
    "orq": ("ORQ_API_KEY",),
    "atoma": ("ATOMA_API_KEY", "ATOMASDK_BEARER_AUTH"),
}


@dataclass(frozen=True)
class Service:
    """One of the three services, and the model to ask there."""

    name: str
    title: str
    model: str

    def has_key(self) -> bool:
        """Whether the environment holds a key for it."""
        return any(os.environ.get(variable) for variable in KEYS[self.name])


def weather(city: str) -> str:
    """Tell the weather in a city."""
    return WEATHER.get(city, "no report")


def headline(text: str) -> None:
    """Print a headline over what follows."""
    print(f"\n{text}\n{'=' * len(text)}")


def step(service: Service, what: str) -> None:
    """Say what comes next."""
    print(f"\n[{service.title}] {what}")


class Shown:
    """Text that is printed as it comes, indented under its step."""

    def __init__(self) -> None:
        self._line = ""
        self._is_first = True

    def add(self, piece: str) -> None:
        """Print a piece."""
        piece = piece.lstrip("\n") if self._is_first else piece
        for number, line in enumerate(piece.split("\n")):
            if number and self._line:
                print()
                self._line = ""
            if line:
                print(line if self._line else f"  {line}", end="", flush=True)
                self._line += line
                self._is_first = False

    def close(self) -> None:
        """End the last line."""
        print()


def stream(pieces: Iterable[str]) -> None:
    """Print pieces of text as they come."""
    shown = Shown()
    for piece in pieces:
        shown.add(piece)
    shown.close()
