"""The examples of README.md do what it says, against the emulator."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import emissary_emulator

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTIONS = {
    title: re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
}
SAID = {
    "LangChain": ["The Vltava"],
    "LlamaIndex": ["The Vltava flows through Prague.", "14 degrees and sun"],
    "Retrieval": ["The Vltava flows through Prague."],
    "Test your own code offline": [],
}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Keys and addresses in the environment, and a folder with documents."""
    documents = tmp_path / "your-documents"
    documents.mkdir()
    (documents / "rivers.txt").write_text("The Vltava flows through Prague.")
    monkeypatch.chdir(tmp_path)
    with emissary_emulator.serve() as server:
        for name in ("emissary", "orq", "atoma"):
            monkeypatch.setenv(f"{name.upper()}_BASE_URL", f"{server.base_url}/{name}")
            monkeypatch.setenv(f"{name.upper()}_API_KEY", "k")
        yield


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # LlamaIndex leaves event loops open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("title", [title for title, blocks in SECTIONS.items() if blocks])
def test_examples(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "readme"}
    for block in SECTIONS[title]:
        exec(compile(block, f"README.md, {title}", "exec"), names)
    for name, value in list(names.items()):
        if name.startswith("test_"):
            value()
    said = capsys.readouterr().out
    assert [words for words in SAID[title] if words not in said] == []
