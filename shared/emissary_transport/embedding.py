"""Texts to vectors: how many texts a request takes, what it says, and how its answer is read."""

from __future__ import annotations

import array
import base64
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emissary_transport.content import whole_number
from emissary_transport.errors import ServiceError
from emissary_transport.inquiry import Embeddings, Inquiry
from emissary_transport.service import Service
from emissary_transport.types import Json
from emissary_transport.usage import total_usage, usage_of

if TYPE_CHECKING:
    from emissary_transport.question import Question


def listed_input(texts: Sequence[str]) -> Json:
    """The texts as a list."""
    return {"input": list(texts)}


def listed_vectors(answer: Any, _count: int) -> list[Any]:
    """The vectors of an answer in the common form, by their index if each has one.

    Raises:
        ValueError: The indexes do not tell which vector is whose.
    """
    data = answer["data"] or []
    places = [whole_number(entry.get("index")) for entry in data]
    if None in places:
        return [entry["embedding"] for entry in data]
    if sorted(places) != list(range(len(data))):  # type: ignore[type-var]
        raise ValueError("the indexes of the vectors are not those of the texts")
    ordered = sorted(zip(places, data, strict=True), key=lambda pair: pair[0] or 0)
    return [entry["embedding"] for _, entry in ordered]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingService:
    """How one service embeds texts, as a value."""

    service: Service
    texts: int
    """How many texts go into a request, if nothing else is asked for."""
    most: int | None = None
    """How many texts a request can take, if there is a limit."""
    said: Callable[[Sequence[str]], Json] = listed_input
    """What a request says of its texts."""
    vectors: Callable[[Any, int], list[Any]] = listed_vectors
    """The vectors in the answer for so many texts, in the order of the texts."""

    def batch_size(self, wanted: Any = None) -> int:
        """How many texts to put into a request.

        Raises:
            ValueError: What is wanted is no positive whole number.
        """
        size = self.texts if wanted is None else wanted
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(f"The number of texts a request must be at least 1, not {size!r}.")
        return min(size, self.most or size)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the texts, in one request; `start` is the place of the first one among all."""

    start: int
    texts: tuple[str, ...]
    inquiry: Inquiry[Embeddings]

    def places(self, among: Sequence[int] | None = None) -> Sequence[int]:
        """Where its texts stand; `among` tells the places of all texts in a longer list."""
        end = self.start + len(self.texts)
        return range(self.start, end) if among is None else among[self.start : end]


def checked_texts(texts: Any) -> list[str]:
    """The texts, if each of them is one.

    Raises:
        ValueError: One is no text, or none that can be sent.
    """
    if isinstance(texts, (str, bytes, Mapping)) or not isinstance(texts, Iterable):
        raise ValueError(f"Texts to embed must be a list of strings, not {type(texts).__name__}.")
    checked = list(texts)
    for place, text in enumerate(checked):
        if not isinstance(text, str):
            raise ValueError(f"Text {place} must be a string, not {type(text).__name__}.")
        if not text.isascii():
            _must_be_sendable(text, place)
    return checked


def _must_be_sendable(text: str, place: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"Text {place} holds half a character and can't be sent.") from None


def batches(
    embedding: EmbeddingService, asked: Question, texts: Sequence[str], size: Any = None
) -> Iterator[Batch]:
    """The requests that texts take, one after the other.

    Raises:
        ValueError: The size is none.
    """
    size = embedding.batch_size(size)
    for start in range(0, len(texts), size):
        some = tuple(texts[start : start + size])
        yield Batch(start, some, asked.about(embedding.said(some), _reader(embedding, len(some))))


def _reader(embedding: EmbeddingService, count: int) -> Callable[[Any], Embeddings]:
    def read(answer: Any) -> Embeddings:
        vectors = tuple(map(vector, embedding.vectors(answer, count)))
        if len(vectors) != count:
            raise ValueError(f"{len(vectors)} vectors for {count} texts")
        if len({len(each) for each in vectors}) > 1:
            raise ValueError("the vectors are of different lengths")
        return Embeddings(vectors, usage_of(answer.get("usage")), answer)

    return read


def vector(told: Any) -> list[float]:
    """A vector as numbers, from a list of them or from base64 of little-endian float32.

    >>> vector([1, -0.5]), vector("AAAAPgAAAL8AAIA+")
    ([1.0, -0.5], [0.125, -0.5, 0.25])

    Raises:
        TypeError: It is neither.
        ValueError: The same.
    """
    numbers = _unpacked(told) if isinstance(told, str) else [float(number) for number in told]
    if not numbers or not math.isfinite(sum(numbers)):
        raise ValueError("a vector is empty or holds what is no number")
    return numbers


def _unpacked(text: str) -> list[float]:
    numbers = array.array("f", base64.b64decode(text, validate=True))
    if sys.byteorder == "big":  # pragma: no cover
        numbers.byteswap()
    return numbers.tolist()


class Texts:
    """Texts to embed, of which only those that say something go out.

    An empty text is answered here, since services refuse it: with zeros, which is as near to one
    text as to any other, as many as the other vectors have or were asked for.

    Raises:
        ValueError: One is no text, or none that can be sent.
    """

    def __init__(self, texts: Any, places: Sequence[int] | None = None) -> None:
        every = checked_texts(texts)
        self._said = [number for number, text in enumerate(every) if text]
        self.count = len(every)
        self.sent = [every[number] for number in self._said]
        self.places = self._said if places is None else [places[number] for number in self._said]

    def answered(self, embeddings: Embeddings, dimensions: Any) -> Embeddings:
        """The vectors of all texts, from those of the texts that went out."""
        if len(self._said) == self.count:
            return embeddings
        length = len(embeddings.vectors[0]) if embeddings.vectors else int(dimensions or 0)
        vectors = [[0.0] * length for _ in range(self.count)]
        for number, vector in zip(self._said, embeddings.vectors, strict=True):
            vectors[number] = vector
        return replace(embeddings, vectors=tuple(vectors))


def joined(parts: Sequence[Embeddings]) -> Embeddings:
    """The vectors of all batches as one; usage is added up, `raw` is a list of the answers."""
    vectors = tuple(vector for part in parts for vector in part.vectors)
    return Embeddings(
        vectors,
        total_usage(*(part.usage for part in parts)),
        [part.raw for part in parts],
    )


@contextmanager
def about_texts(places: Sequence[int], count: int) -> Iterator[None]:
    """Let an error say which of so many texts it was about."""
    try:
        yield
    except ServiceError as error:
        facts = error.facts() | {"texts": tuple(places)}
        message = error.message if count == 1 else f"{error.message} {_which(places, count)}"
        raise type(error)(message, **facts).with_traceback(error.__traceback__) from error.__cause__


def _which(places: Sequence[int], count: int) -> str:
    first, last = places[0], places[-1]
    if len(places) == 1:
        some = f"text {first}"
    elif list(places) == list(range(first, last + 1)):
        some = f"texts {first} to {last}"
    else:
        some = f"texts {', '.join(map(str, places))}"
    return f"This was about {some} of {count}, counted from 0; the rest was given up."
