"""What is asked of each service, and what has to come of it whoever asks.

A case is a value: what is said, with which parameters, and the outcome. Its tape is
`cassettes/<service>/<name>.yaml`. All players send the same JSON for it, so one tape serves all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Operation = Literal[
    "chat", "stream", "tools", "complete", "stream_complete", "embed", "rerank", "models"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a play comes to, in words that no framework owns."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    usage: tuple[int, int] | None = None
    """Tokens in and out, where the service tells them."""
    vectors: tuple[int, int] | None = None
    """How many vectors came, and how long they are."""
    ranking: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    error: tuple[str, int | None, str | None] | None = None
    """Name of the error class, status and the service's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One way to reach one of the services, as a user gives it."""

    service: str
    params: Mapping[str, Any]
    text_params: Mapping[str, Any] = field(default_factory=dict)
    embedding_params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> dict[str, str]:
        """Ids in its paths, which are an account's own."""
        return {name: self.params[name] for name in IDS if name in self.params}

    def with_ids(self, ids: Mapping[str, str]) -> Surface:
        """The same with other ids."""
        more = {name: ids[name] for name in self.ids}
        params, texts = {**self.params, **more}, {**self.text_params, **more}
        embeddings = {**self.embedding_params, **more}
        return replace(self, params=params, text_params=texts, embedding_params=embeddings)


ORQ = Surface(
    service="orq",
    params={"model": "openai/gpt-4o"},
    text_params={"model": "openai/gpt-3.5-turbo-instruct"},
    embedding_params={"model": "openai/text-embedding-3-small"},
)
ATOMA = Surface(
    service="atoma",
    params={"model": "meta-llama/Llama-3.3-70B-Instruct"},
    text_params={"model": "meta-llama/Llama-3.3-70B-Instruct"},
    embedding_params={"model": "intfloat/multilingual-e5-large-instruct"},
)
EMISSARY = Surface(
    service="emissary",
    params={"model": "Llama-3.2-3B-Instruct"},
    text_params={"model": "Llama-3.2-1B-Completion"},
    embedding_params={"model": "search-checkpoint-1"},
)
IDS = {"project_id": "ms-12345", "deployment_id": "dp-12345"}
DEPLOYMENT = Surface(service="emissary", params=IDS, text_params=IDS, embedding_params=IDS)

RIVER = (
    ("system", "Answer in one short sentence."),
    ("user", "The Vltava flows through Prague. Which river flows through Prague?"),
)
WEATHER = (("user", "What is the weather in Brno?"),)
WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city."}},
            "required": ["city"],
        },
    },
}
WEATHER_TOLD = "14 degrees and sun"
RIVER_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "River",
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "length_km": {"type": "integer"}},
            "required": ["name", "length_km"],
        },
    },
}
SENTENCES = ("Prague lies on the Vltava.", "Brno lies on the Svratka.")
QUERY = "Which river flows through Prague?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One exchange, or two, with a service."""

    surface: Surface
    name: str
    operation: Operation
    outcome: Outcome
    said: tuple[tuple[str, str], ...] = RIVER
    options: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    """A key that the service refuses; else a good one."""
    fault: Mapping[str, Any] = field(default_factory=dict)
    """What the emulator is to do to the first request, which no live service does on request."""

    @property
    def tape(self) -> str:
        """Where its tape is, under the folder of all."""
        return f"{self.surface.service}/{self.name}.yaml"

    @property
    def params(self) -> dict[str, Any]:
        """What a model is made of for it."""
        surface = self.surface
        if self.operation in {"complete", "stream_complete"}:
            return {**surface.text_params, **self.options}
        if self.operation == "embed":
            return {**surface.embedding_params, **self.options}
        return {**surface.params, **self.options}
