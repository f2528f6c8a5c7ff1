"""What a played service is: operations, how it lets callers in, and how it says no."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emissary_emulator.brain import JsonObject
from emissary_emulator.shapes import Problem, Shape

DOCUMENTED = "default"


@dataclass(frozen=True)
class Refusal:
    """A no, before it takes the service's own form; `field` says what was wrong in the request."""

    status: int
    message: str | None = None
    code: str | None = None
    field: str | None = None
    shape: str = DOCUMENTED


class RefusedError(Exception):
    """Carries a refusal out of the depths of an operation."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True)
class Failure:
    """A refusal as it goes over the wire; a `str` body is plain text."""

    status: int
    body: Any
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One piece of a stream: JSON data, literal text, or a comment."""

    data: Any = None
    text: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Answer:
    """A body, or the events of a stream."""

    body: Any = None
    events: tuple[Event, ...] | None = None
    media_type: str = "application/json"


def stream(events: Iterable[Event], media_type: str = "text/event-stream") -> Answer:
    """An answer that is a stream."""
    return Answer(events=tuple(events), media_type=media_type)


@dataclass(frozen=True)
class Ask:
    """A request that passed all checks; `nth` counts the same request before it."""

    body: JsonObject
    path: str
    place: Mapping[str, str]
    query: Mapping[str, list[str]]
    profile: str = ""
    nth: int = 0
    words: int = 0
    preface: bool = False

    def token(self, what: str, length: int = 12) -> str:
        """Hex digits that belong to this request: the same each time it is sent first."""
        seen = json.dumps([self.path, self.body, self.nth, what], sort_keys=True)
        return hashlib.blake2b(seen.encode()).hexdigest()[:length]


@dataclass(frozen=True)
class Operation:
    """One documented path: what it takes, by profile, and what it answers."""

    method: str
    path: str
    answer: Callable[[Ask], Answer]
    fields: Mapping[str, Shape] = field(default_factory=dict)
    first_look: Callable[[JsonObject], Refusal | None] | None = None
    needs_key: bool = True

    def shape(self, profile: str) -> Shape | None:
        """The fields that the profile takes."""
        return self.fields.get(profile, self.fields.get(DOCUMENTED))


@dataclass(frozen=True)
class Service:
    """One of the three, as a value."""

    name: str
    operations: tuple[Operation, ...]
    authorised: Callable[[Mapping[str, str]], bool]
    failure: Callable[[Refusal], Failure]
    wrong_field: Callable[[Problem], Refusal]
    no_model: Callable[[str], Refusal]
    bad_json: Callable[[str], Refusal]
    stream_error: JsonObject
    profiles: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    body_before_key: bool = False
    no_path: str = DOCUMENTED
    keep_alive: bool = False


def is_good_key(key: str) -> bool:
    """Any key will do that is not empty and does not start with "wrong" or "invalid"."""
    return bool(key.strip()) and not key.lower().startswith(("wrong", "invalid"))
