"""Other makers' LlamaIndex models."""

from __future__ import annotations

from llama_index.core.llms import LLM

from benchmarks.clients.base import KEY, MODEL
from benchmarks.clients.llamaindex_models import LlamaIndex


class OpenAILikeLLM(LlamaIndex):
    def made(self) -> LLM:
        from llama_index.llms.openai_like import OpenAILike

        return OpenAILike(
            model=MODEL,
            api_key=KEY,
            api_base=f"{self.url}/openai/v1",
            is_chat_model=True,
            is_function_calling_model=True,
        )
