"""Our LangChain models."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from benchmarks.clients.base import KEY, MODEL
from benchmarks.clients.langchain_models import LangChain
from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq


class OurChatOrq(LangChain):
    def made(self) -> BaseChatModel:
        return ChatOrq(model=MODEL, api_key=KEY, base_url=f"{self.url}/orq")  # type: ignore[arg-type]


class OurChatAtoma(LangChain):
    def made(self) -> BaseChatModel:
        return ChatAtoma(model=MODEL, api_key=KEY, base_url=f"{self.url}/atoma")  # type: ignore[arg-type]


class OurChatEmissary(LangChain):
    def made(self) -> BaseChatModel:
        return ChatEmissary(
            model=MODEL,
            api_key=KEY,  # type: ignore[arg-type]
            base_url=f"{self.url}/emissary",
            tool_calling="native",
        )
