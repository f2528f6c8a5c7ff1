"""One question with one answer in JSON: embeddings, reranking, model lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic_core import from_json

from emissary_transport.errors import BadAnswer
from emissary_transport.refusals import failure, parsed
from emissary_transport.service import Service
from emissary_transport.types import Json, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry(Generic[T]):
    """What to send, and how to read what comes."""

    service: Service
    url: str
    body: Json | None = None
    """JSON to post; None is a GET."""
    has_key: bool = True
    """Whether the key goes along; not to an address that is open to all."""
    read: Callable[[Any], T]
    """From the answer's JSON to what it means; raises KeyError, TypeError or ValueError if the
    answer lacks something that is needed."""

    def answer(self, content: bytes) -> T:
        """Read the answer.

        Raises:
            ServiceError: It is an error, no JSON, or lacks what is needed.
        """
        try:
            value = from_json(content)
        except ValueError:
            raise self._unusable("is no JSON", parsed(content[:2_000])) from None
        if isinstance(value, dict) and value.get("error"):
            raise failure(self.service, value)
        try:
            return self.read(value)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise self._unusable(f"lacks what is needed ({error})", value) from error

    def _unusable(self, why: str, body: Any) -> BadAnswer:
        return BadAnswer(
            f"{self.service.title} sent an answer that {why}.",
            service=self.service.name,
            body=body,
        )


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of some texts, in the order of the texts."""

    vectors: tuple[list[float], ...]
    usage: Usage | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document's place in a ranking: where it stood in the request, and how well it fits."""

    index: int
    score: float
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Documents by how well they fit a query, best first."""

    results: tuple[Ranked, ...]
    usage: Usage | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that a service offers, with what the service tells about it.

    `raw` is the service's own entry.
    """

    id: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    abilities: frozenset[str] | None = None
    """Such as `tool_calling`, `json_mode`, `vision`; None: the service does not tell."""
    inputs: frozenset[str] | None = None
    """What the model takes: `text`, `image`, ...; None: the service does not tell."""
    outputs: frozenset[str] | None = None
    """What it gives."""
    raw: Mapping[str, Any] = field(default_factory=dict)
