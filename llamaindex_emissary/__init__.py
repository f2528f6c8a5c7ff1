"""Emissary, Orq and Atoma as LlamaIndex models.

`Emissary`, `Orq` and `Atoma` are drop-in function-calling LLMs, `EmissaryEmbedding`,
`OrqEmbedding` and `AtomaEmbedding` embed, and `OrqRerank` ranks; what goes wrong is in
`emissary_transport.errors`.
"""

try:
    import llama_index.core  # noqa: F401
except ModuleNotFoundError as missing:
    if missing.name not in {"llama_index", "llama_index.core"}:
        raise
    raise ModuleNotFoundError(
        "llamaindex_emissary needs LlamaIndex: pip install 'emissary-integrations[llamaindex]'",
        name=missing.name,
    ) from missing

from emissary_transport import __version__
from llamaindex_emissary.embeddings import AtomaEmbedding, EmissaryEmbedding, OrqEmbedding
from llamaindex_emissary.llms import Atoma, Emissary, Orq
from llamaindex_emissary.rerank import OrqRerank

__all__ = [
    "Atoma",
    "AtomaEmbedding",
    "Emissary",
    "EmissaryEmbedding",
    "Orq",
    "OrqEmbedding",
    "OrqRerank",
    "__version__",
]
