"""Embeddings, likeness and classes from hashed words: texts that share words lie close."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from emissary_emulator.brain.words import STOPWORDS, split_words, stem, stems

DIMENSIONS = 64
_LIGHT = 0.1
LABELS = {
    "delivery": "parcel package delivery shipping arrived courier late tracking",
    "billing": "bill invoice pay payment charged price refund money card",
    "other": "",
}


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector of length one; each word pushes two places of it up or down."""
    vector = [0.0] * dimensions
    for word in split_words(text):
        weight = _LIGHT if word.lower() in STOPWORDS else 1.0
        digest = hashlib.blake2b(stem(word).encode(), digest_size=10).digest()
        for half in (digest[:5], digest[5:]):
            vector[int.from_bytes(half[:4], "big") % dimensions] += weight * (half[4] % 2 * 2 - 1)
    length = math.sqrt(sum(x * x for x in vector))
    if length == 0:
        return [1.0, *vector[1:]]
    return [round(x / length, 8) for x in vector]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How much two vectors of length one agree."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def relevance(query: str, document: str) -> float:
    """A score from 0 to 1."""
    score = cosine(embedding(query, 1024), embedding(document, 1024))
    return round(min(1.0, max(0.0, score)), 6)


def logits(text: str) -> dict[str, float]:
    """A number for each label; the label whose words the text uses has the highest."""
    said = {stem(word) for word in split_words(text)}
    scores = {}
    for label, words in LABELS.items():
        shared = len(said & stems(words))
        scores[label] = 2.5 * shared - 0.28125 if words else 0.40625
    return scores


def probabilities(text: str) -> dict[str, float]:
    """The logits as probabilities that add up to one."""
    powers = {label: math.exp(value) for label, value in logits(text).items()}
    total = sum(powers.values())
    return {label: round(power / total, 6) for label, power in powers.items()}
