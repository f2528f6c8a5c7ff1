"""How tapes are written, kept and matched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import vcr
import yaml
from vcr.cassette import Cassette

TAPES = Path(__file__).parents[2] / "cassettes"
BASE_URLS = {
    "emissary": "https://api.withemissary.com",
    "orq": "https://api.orq.ai",
    "atoma": "https://api.atoma.network",
}
EMULATED = "emissary_emulator, which plays the documented bodies; not the live service"
KEPT_HEADERS = {"accept", "content-type", "retry-after"}
"""All others are volatile, secret or of no account."""
KEY_HEADERS = {"authorization", "x-api-key"}
SCRUBBED = "scrubbed"
OVER_HTTPX = patch.dict(os.environ, EMISSARY_HTTP="httpx")
"""vcrpy sees what goes over httpx's own transports."""


class Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines, such as streams, stand as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _text)


class Serializer:
    """Writes tapes that say where they come from."""

    def __init__(self, recorded_from: str) -> None:
        self.recorded_from = recorded_from

    def serialize(self, tape: dict[str, Any]) -> str:
        """The tape as YAML."""
        told = {"recorded_from": self.recorded_from, **tape}
        return yaml.dump(told, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)

    def deserialize(self, text: str) -> Any:
        """The tape that a text holds."""
        return yaml.safe_load(text)


class Scrubbing:
    """What is taken out of exchanges before they are written.

    Args:
        secrets: The keys used, which a service may repeat in its answer.
        places: From what stood in addresses to what the tape tells: hosts, ids.
    """

    def __init__(self, secrets: tuple[str, ...], places: dict[str, str]) -> None:
        self.secrets, self.places = secrets, places

    def request(self, request: Any) -> Any:
        """The request with the public address, and without its key."""
        for asked, told in self.places.items():
            request.uri = request.uri.replace(asked, told)
        request.headers = {
            name: SCRUBBED if name.lower() in KEY_HEADERS else value
            for name, value in request.headers.items()
            if name.lower() in KEPT_HEADERS | KEY_HEADERS
        }
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        """The response without volatile headers, and without the key."""
        headers = {
            name: values
            for name, values in response["headers"].items()
            if name.lower() in KEPT_HEADERS
        }
        body = response["body"]["string"]
        for secret in self.secrets:
            body = body.replace(secret.encode(), SCRUBBED.encode())
        return {**response, "headers": headers, "body": {"string": body}}


def json_body(one: Any, other: Any) -> None:
    """Match bodies as JSON; arguments of tool calls are JSON in JSON."""
    assert _parsed(one.body) == _parsed(other.body)


def _parsed(body: bytes | None) -> Any:
    return json.loads(body, object_hook=_with_arguments) if body else None


def _with_arguments(given: dict[str, Any]) -> dict[str, Any]:
    if isinstance(given.get("arguments"), str):
        return {**given, "arguments": json.loads(given["arguments"])}
    return given


def _recorder(serializer: Serializer, **options: Any) -> vcr.VCR:
    machine = vcr.VCR(match_on=["method", "path", "query", "json_body"], **options)
    machine.register_matcher("json_body", json_body)
    machine.register_serializer("tape", serializer)
    machine.serializer = "tape"
    return machine


@contextmanager
def recording(path: Path, recorded_from: str, scrubbing: Scrubbing) -> Iterator[None]:
    """Write a tape anew."""
    path.unlink(missing_ok=True)
    machine = _recorder(
        Serializer(recorded_from),
        before_record_request=scrubbing.request,
        before_record_response=scrubbing.response,
        record_mode="all",
    )
    with OVER_HTTPX, machine.use_cassette(str(path)):
        yield


@contextmanager
def playing(path: Path) -> Iterator[Cassette]:
    """Answer from a tape, each turn once, and nothing else; all turns have to be played."""
    machine = _recorder(Serializer(""), record_mode="none")
    assert path.exists(), f"{path} is not there: make record"
    with OVER_HTTPX, machine.use_cassette(str(path), allow_playback_repeats=False) as tape:
        yield tape
    unplayed = [
        f"{request.method} {request.path}"
        for number, request in enumerate(tape.requests)
        if not tape.play_counts[number]
    ]
    assert not unplayed, f"turns of {path.name} that were not played: {unplayed}"
