"""Emissary, Orq and Atoma as LangChain models.

`ChatEmissary`, `ChatOrq` and `ChatAtoma` are drop-in chat models; `EmissaryLLM`, `OrqLLM` and
`AtomaLLM` complete text; `EmissaryEmbeddings`, `OrqEmbeddings` and `AtomaEmbeddings` embed, and
`OrqRerank` ranks. See `langchain_emissary.errors` for what they raise.
"""

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
