"""Other makers' LangChain models."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from benchmarks.clients.base import KEY
from benchmarks.clients.langchain_models import LangChain


class OpenAI(LangChain):
    def made(self) -> BaseChatModel:
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(model="gpt-4o", api_key=KEY, base_url=f"{self.url}/openai/v1")


class MistralAI(LangChain):
    def made(self) -> BaseChatModel:
        from langchain_mistralai import ChatMistralAI

        return ChatMistralAI(
            model_name="mistral-large", api_key=KEY, base_url=f"{self.url}/openai/v1"
        )
