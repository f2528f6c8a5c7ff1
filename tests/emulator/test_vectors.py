"""Texts that share words lie close."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_emulator.vectors import cosine, embedding, logits, probabilities, relevance


@given(st.text(), st.integers(1, 300))
def test_vectors_have_length_one(text: str, dimensions: int):
    vector = embedding(text, dimensions)
    assert len(vector) == dimensions
    assert math.isclose(sum(x * x for x in vector), 1, abs_tol=1e-5)


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("river in Prague", "The river of Prague is long.", "Brno has a castle."),
        ("adding numbers", "add two numbers", "the numbers are big"),
        ("weather in Brno", "Brno: the weather is fine", "weather in Prague"),
    ],
)
def test_shared_words_bring_texts_closer(query, near, far):
    assert cosine(embedding(query), embedding(near)) > cosine(embedding(query), embedding(far))
    assert relevance(query, near) > relevance(query, far) >= 0


def test_classes():
    scores = logits("My parcel never arrived.")
    assert max(scores, key=lambda label: scores[label]) == "delivery"
    assert sum(probabilities("I was charged twice.").values()) == pytest.approx(1, abs=1e-5)
    assert max(logits("Hello").items(), key=lambda item: item[1])[0] == "other"
