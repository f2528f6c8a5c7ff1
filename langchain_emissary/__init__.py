"""Emissary, Orq and Atoma as LangChain models.

`ChatEmissary`, `ChatOrq` and `ChatAtoma` are drop-in chat models; `EmissaryLLM`, `OrqLLM` and
`AtomaLLM` complete text; `EmissaryEmbeddings`, `OrqEmbeddings` and `AtomaEmbeddings` embed, and
`OrqRerank` ranks. See `langchain_emissary.errors` for what they raise.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    import langchain_core  # noqa: F401
except ModuleNotFoundError as missing:
    if missing.name != "langchain_core":
        raise
    raise ModuleNotFoundError(
        "langchain_emissary needs LangChain: pip install 'emissary-integrations[langchain]'",
        name="langchain_core",
    ) from missing

from emissary_transport import __version__
from langchain_emissary import blocks

if TYPE_CHECKING:
    from langchain_emissary.chat_models import ChatAtoma, ChatEmissary, ChatOrq
    from langchain_emissary.embeddings import AtomaEmbeddings, EmissaryEmbeddings, OrqEmbeddings
    from langchain_emissary.llms import AtomaLLM, EmissaryLLM, OrqLLM
    from langchain_emissary.rerank import OrqRerank

__all__ = [
    "AtomaEmbeddings",
    "AtomaLLM",
    "ChatAtoma",
    "ChatEmissary",
    "ChatOrq",
    "EmissaryEmbeddings",
    "EmissaryLLM",
    "OrqEmbeddings",
    "OrqLLM",
    "OrqRerank",
    "__version__",
]

blocks.register()

_ELSEWHERE = {
    "AtomaEmbeddings": "embeddings",
    "EmissaryEmbeddings": "embeddings",
    "OrqEmbeddings": "embeddings",
    "AtomaLLM": "llms",
    "ChatAtoma": "chat_models",
    "ChatEmissary": "chat_models",
    "ChatOrq": "chat_models",
    "EmissaryLLM": "llms",
    "OrqLLM": "llms",
    "OrqRerank": "rerank",
}


def __getattr__(name: str) -> Any:
    """Import a class when it is first used: no program needs them all."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_ELSEWHERE[name]}")
    return globals().setdefault(name, getattr(module, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
