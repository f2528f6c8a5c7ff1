"""Who is measured: names, programs, and what has to be installed for them."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from typing import Literal

from benchmarks.environments import python_of

Family = Literal["floor", "langchain", "llamaindex", "sdk"]
Role = Literal["floor", "alone", "ours", "peer"]
Http = Literal["httpx", "fast"]

HTTP_SWITCH = "EMISSARY_HTTP"
"""The environment variable that chooses our transport's HTTP: `httpx` or `fast`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A client and the program that runs it."""

    name: str
    family: Family
    role: Role
    program: str
    needs: tuple[str, ...] = ()
    http: Http | None = None
    environment: str | None = None
    """Its own environment, if it can't live in that of the others."""

    @property
    def python(self) -> str:
        """The interpreter that runs it."""
        return str(python_of(self.environment)) if self.environment else sys.executable

    @property
    def missing(self) -> str | None:
        """What is not installed, if something is not."""
        if self.environment:
            return None if python_of(self.environment).exists() else self.environment
        return next((name for name in self.needs if not _is_installed(name)), None)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _ours(name: str, family: Family, program: str, module: str) -> list[Entry]:
    return [
        Entry(name, family, "ours", program, (module,), "httpx"),
        Entry(f"{name} fast", family, "ours", program, (module,), "fast"),
    ]


LANGCHAIN, LLAMAINDEX = "langchain_core", "llama_index.core"
ENTRIES = (
    Entry("httpx", "floor", "floor", "bare_httpx:BareHttpx"),
    Entry("langchain-core", "langchain", "alone", "langchain_alone:Premade", (LANGCHAIN,)),
    Entry("langchain-core+make", "langchain", "alone", "langchain_alone:OneByOne", (LANGCHAIN,)),
    *_ours("ChatOrq", "langchain", "langchain_ours:OurChatOrq", LANGCHAIN),
    *_ours("ChatAtoma", "langchain", "langchain_ours:OurChatAtoma", LANGCHAIN),
    Entry("ChatOpenAI", "langchain", "peer", "langchain_peers:OpenAI", ("langchain_openai",)),
    Entry(
        "ChatMistralAI", "langchain", "peer", "langchain_peers:MistralAI", ("langchain_mistralai",)
    ),
    Entry("llama-index-core", "llamaindex", "alone", "llamaindex_alone:Premade", (LLAMAINDEX,)),
    Entry(
        "llama-index-core+make", "llamaindex", "alone", "llamaindex_alone:OneByOne", (LLAMAINDEX,)
    ),
    *_ours("Orq", "llamaindex", "llamaindex_ours:OurOrq", LLAMAINDEX),
    *_ours("Atoma", "llamaindex", "llamaindex_ours:OurAtoma", LLAMAINDEX),
    Entry(
        "OpenAILike",
        "llamaindex",
        "peer",
        "llamaindex_peers:OpenAILikeLLM",
        ("llama_index.llms.openai_like",),
    ),
    Entry(
        "atoma-sdk",
        "sdk",
        "peer",
        "atoma_sdk_client:AtomaSdk",
        environment=".venv-bench-atoma",
    ),
    Entry(
        "emissary-client-sdk",
        "sdk",
        "peer",
        "emissary_sdk_client:EmissarySdk",
        environment=".venv-bench-emissary",
    ),
    Entry("orq-ai-sdk", "sdk", "peer", "orq_sdk_client:OrqSdk", ("orq_ai_sdk",)),
)
