"""Our LlamaIndex models."""

from __future__ import annotations

from llama_index.core.llms import LLM

from benchmarks.clients.base import KEY, MODEL
from benchmarks.clients.llamaindex_models import LlamaIndex
from llamaindex_emissary import Atoma, Emissary, Orq


class OurOrq(LlamaIndex):
    def made(self) -> LLM:
        return Orq(model=MODEL, api_key=KEY, api_base=f"{self.url}/orq")  # type: ignore[arg-type]


class OurAtoma(LlamaIndex):
    def made(self) -> LLM:
        return Atoma(model=MODEL, api_key=KEY, api_base=f"{self.url}/atoma")  # type: ignore[arg-type]


class OurEmissary(LlamaIndex):
    def made(self) -> LLM:
        return Emissary(
            model=MODEL,
            api_key=KEY,  # type: ignore[arg-type]
            api_base=f"{self.url}/emissary",
            tool_calling="native",
        )
