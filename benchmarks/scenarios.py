"""What is measured of whom, and how much of it in a round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.clients.registry import Entry, Family


@dataclass(frozen=True, slots=True)
class Scenario:
    """One measure, taken of every client in every round.

    Attributes:
        key: Its short name.
        title: What one unit of it is.
        does: The method of `Measures`.
        count: How much of it is measured at a time.
        smoke: How much of it a smoke holds.
        families: Whose clients take part.
        without: Clients that would take minutes, and why.
        times: How often in a round, so that one disturbance of what is short does not count.
        most: How often at most, since it takes long.
        fresh: Each measure needs a new process.
    """

    key: str
    title: str
    does: str
    count: int
    smoke: int = 2
    families: tuple[Family, ...] = ("floor", "langchain", "llamaindex", "sdk")
    without: Mapping[str, str] | None = None
    times: int = 1
    most: int = 1000
    fresh: bool = False

    def left_out(self, entry: Entry) -> str | None:
        """Why a client takes no part, if it takes none."""
        if entry.family not in self.families:
            return "not compared here"
        return (self.without or {}).get(entry.name)


FRAMEWORKS: tuple[Family, ...] = ("langchain", "llamaindex")
COMPARED: tuple[Family, ...] = ("floor", *FRAMEWORKS)
QUADRATIC = "its cost a fragment grows with their number: minutes at 20,000"
SCENARIOS = (
    Scenario("call", "plain call", "call", 60, times=5),
    Scenario("acall", "plain call, async", "acall", 60, times=5),
    Scenario("calls", "one of 256 async calls, all at once", "calls", 256, 8, times=3),
    Scenario("busy", "one of 1,024 async calls, 256 at a time", "busy", 1_024, 16),
    Scenario("stream-2k", "text chunk, 2,000 chunks", "stream", 2_000, 10, times=3),
    Scenario("stream-20k", "text chunk, 20,000 chunks", "stream", 20_000, 40, COMPARED),
    Scenario("astream-2k", "text chunk, async, 2,000 chunks", "astream", 2_000, 10, times=3),
    Scenario("astream-20k", "text chunk, async, 20,000 chunks", "astream", 20_000, 40, COMPARED),
    Scenario("tool-2k", "argument fragment, 2,000 fragments", "tool", 2_000, 10, COMPARED, times=3),
    Scenario(
        "tool-20k",
        "argument fragment, 20,000 fragments",
        "tool",
        20_000,
        40,
        COMPARED,
        {"ChatMistralAI": QUADRATIC, "OpenAILike": QUADRATIC},
    ),
    Scenario(
        "atool-2k",
        "argument fragment, async, 2,000 fragments",
        "atool",
        2_000,
        10,
        FRAMEWORKS,
        times=3,
    ),
    Scenario(
        "streams",
        "chunk of 200 concurrent async streams",
        "streams",
        200,
        10,
        COMPARED,
        most=3,
    ),
    Scenario("first", "time to first token", "first", 40, times=5),
    Scenario("afirst", "time to first token, async", "afirst", 40, times=5),
    Scenario("age", "age of a chunk on a paced stream", "age", 20, 4, times=15),
    Scenario("aage", "age of a chunk on a paced stream, async", "aage", 20, 4, times=15),
    Scenario("new", "new model and first call", "new", 8, times=5),
    Scenario("models", "ten models alike", "models", 10, 3, FRAMEWORKS),
    Scenario(
        "memory",
        "peak over 20,000 chunks",
        "memory",
        20_000,
        40,
        COMPARED,
        most=1,
        fresh=True,
    ),
)

IMPORTS: Mapping[str, str] = {
    "langchain-core": "langchain_core.language_models.chat_models",
    "ChatOrq": "langchain_emissary",
    "ChatOpenAI": "langchain_openai",
    "ChatMistralAI": "langchain_mistralai",
    "llama-index-core": "llama_index.core.llms",
    "Orq": "llamaindex_emissary",
    "OpenAILike": "llama_index.llms.openai_like",
    "httpx": "httpx",
    "atoma-sdk": "atoma_sdk",
    "orq-ai-sdk": "orq_ai_sdk",
    "emissary-client-sdk": "emissary_client_sdk",
}
"""What a user imports for each client."""
IMPORT = "import"
