"""The tapes themselves: complete, written anew without a difference, and free of secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException

import emissary_emulator

from .cases import Case
from .record import EMULATOR_KEY, record_emulated
from .table import CASES, WRONG
from .tapes import BASE_URLS, SCRUBBED, TAPES, Scrubbing, playing, recording

BY_TAPE = {case.tape: case for case in CASES}
FOUND = sorted(path.relative_to(TAPES).as_posix() for path in TAPES.rglob("*.y*ml"))
KEY_LIKE = re.compile(
    r"\b(sk|pk|key|orq|tok|ghp|xox[a-z])[-_][A-Za-z0-9_-]{12,}"  # as services form keys
    r"|Bearer\s+(?!scrubbed)\S"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"  # a JSON web token
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"  # a random UUID
)
ALLOWED_HEADERS = {"accept", "content-type", "retry-after", "authorization", "x-api-key"}


def test_every_case_has_a_tape_and_every_tape_a_case() -> None:
    assert sorted(BY_TAPE) == FOUND
    assert len(BY_TAPE) == len(CASES)


@pytest.mark.parametrize("tape", FOUND)
def test_a_tape_holds_no_secret(tape: str) -> None:
    text = (TAPES / tape).read_text(encoding="utf-8")
    for secret in (EMULATOR_KEY, WRONG, "127.0.0.1", "localhost"):
        assert secret not in text
    found = KEY_LIKE.search(text)
    assert found is None, found
    for turn in yaml.safe_load(text)["interactions"]:
        request, response = turn["request"], turn["response"]
        assert {*request["headers"], *response["headers"]} <= ALLOWED_HEADERS
        for name in {"authorization", "x-api-key"} & request["headers"].keys():
            assert request["headers"][name] == [SCRUBBED]


@pytest.mark.parametrize(
    "text", ["sk-abcdefghijkl1234", "authorization: Bearer abc", "orq_abcdefghijkl"]
)
def test_what_looks_like_a_key_is_seen(text: str) -> None:
    assert KEY_LIKE.search(text)


@pytest.mark.parametrize("tape", FOUND)
def test_a_tape_says_where_it_comes_from(tape: str) -> None:
    told = yaml.safe_load((TAPES / tape).read_text(encoding="utf-8"))
    assert re.match(
        r"emissary_emulator, .*not the live service|\w+, live, on ", told["recorded_from"]
    )
    for turn in told["interactions"]:
        assert turn["request"]["uri"].startswith(BASE_URLS[BY_TAPE[tape].surface.service])


@pytest.fixture(scope="module")
def emulator() -> Iterator[emissary_emulator.Server]:
    with emissary_emulator.serve() as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tape.removesuffix(".yaml"))
def test_recorded_anew_a_tape_is_the_same(
    case: Case, emulator: emissary_emulator.Server, tmp_path: Path, monkeypatch: Any
) -> None:
    kept = (TAPES / case.tape).read_text(encoding="utf-8")
    if "live, on" in kept.splitlines()[0]:
        pytest.skip("comes from the live service")
    monkeypatch.setattr("emissary_transport.Client.sleep", staticmethod(lambda _: None))
    record_emulated(emulator, case, tmp_path)
    assert (tmp_path / case.tape).read_text(encoding="utf-8") == kept, "make record"


# --- what keeps them so ---


def test_a_turn_that_is_not_played_fails() -> None:
    url = f"{BASE_URLS['orq']}/v2/router/chat/completions"
    first = yaml.safe_load((TAPES / "orq/tools.yaml").read_text())["interactions"][0]["request"]
    with (
        pytest.raises(AssertionError, match="not played"),
        playing(TAPES / "orq/tools.yaml"),
        httpx.Client() as client,
    ):
        client.post(url, content=first["body"])


def test_a_turn_is_played_once_and_no_other_is_made_up() -> None:
    url = f"{BASE_URLS['orq']}/v2/router/chat/completions"
    body = yaml.safe_load((TAPES / "orq/chat.yaml").read_text())["interactions"][0]["request"][
        "body"
    ]
    with playing(TAPES / "orq/chat.yaml"), httpx.Client() as client:
        assert client.post(url, content=body).status_code == 200
        for wrong in (
            lambda: client.post(url, content=body),
            lambda: client.post(url, content=body.replace("Vltava", "Elbe")),
            lambda: client.post(url + "?x=1", content=body),
            lambda: client.put(url, content=body),
        ):
            with pytest.raises(CannotOverwriteExistingCassetteException):
                wrong()


def test_what_is_recorded_is_scrubbed(emulator: emissary_emulator.Server, tmp_path: Path) -> None:
    emulator.clear()
    secret, base_url = "sk-live-0123456789", f"{emulator.base_url}/orq"
    emulator.fail_next(status=401, message=f"Incorrect key provided: {secret}")
    path = tmp_path / "tape.yaml"
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    scrubbing = Scrubbing((secret,), {base_url: BASE_URLS["orq"]})
    headers = {"Authorization": f"Bearer {secret}", "Cookie": "session=1", "User-Agent": "x/1"}
    with recording(path, "a test", scrubbing), httpx.Client(headers=headers) as client:
        answer = client.post(f"{base_url}/v2/router/chat/completions", json=body)
    assert answer.status_code == 401
    assert secret in answer.text
    text = path.read_text()
    for gone in (secret, "session=1", "x/1", "127.0.0.1", "date:", "x-request-id"):
        assert gone not in text
    assert "recorded_from: a test" in text
    assert text.count(SCRUBBED) == 2
