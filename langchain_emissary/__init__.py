"""Emissary, Orq and Atoma as LangChain models.

`ChatEmissary`, `ChatOrq` and `ChatAtoma` are drop-in chat models; see `langchain_emissary.errors`
for what they raise.
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

__all__ = ["ChatAtoma", "ChatEmissary", "ChatOrq", "__version__"]

blocks.register()
