"""Emissary, Orq and Atoma as LlamaIndex models.

`Emissary`, `Orq` and `Atoma` are drop-in function-calling LLMs, `EmissaryEmbedding`,
`OrqEmbedding` and `AtomaEmbedding` embed, and `OrqRerank` ranks; what goes wrong is in
`emissary_transport.errors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from llamaindex_emissary.llms import Atoma, Emissary, Orq

if TYPE_CHECKING:
    from llamaindex_emissary.embeddings import AtomaEmbedding, EmissaryEmbedding, OrqEmbedding
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

_ELSEWHERE = {
    "AtomaEmbedding": "embeddings",
    "EmissaryEmbedding": "embeddings",
    "OrqEmbedding": "embeddings",
    "OrqRerank": "rerank",
}


def __getattr__(name: str) -> Any:
    """Import what not every program needs when it is first used."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_ELSEWHERE[name]}")
    return globals().setdefault(name, getattr(module, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
