"""Documents by how well they fit a query: what to ask, and how the answer is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emissary_transport.content import whole_number
from emissary_transport.inquiry import Inquiry, Ranked, Ranking
from emissary_transport.question import Question
from emissary_transport.usage import usage_of


def ranking_inquiry(asked: Question, query: Any, documents: Iterable[Any]) -> Inquiry[Ranking]:
    """The question how documents rank.

    Args:
        asked: Whom to ask, and what else the request says; a `top_n` above the number of documents
            means all of them.
        query: What the documents should fit.
        documents: Texts, or records of texts.

    Raises:
        ValueError: The query is empty, or a document is no text.
    """
    if not isinstance(query, str) or not query.strip():
        raise ValueError("The query to rank by must be a string that is not empty.")
    ranked = checked_documents(documents)
    said: dict[str, Any] = {"query": query, "documents": ranked}
    if "top_n" in asked.fields:
        said["top_n"] = min(asked.fields["top_n"], len(ranked))
    return asked.about(said, lambda answer: ranking(answer, len(ranked)))


def checked_documents(documents: Any) -> list[Any]:
    """The documents, if each can be ranked.

    Raises:
        ValueError: One is neither text nor a record of texts.
    """
    if isinstance(documents, (str, bytes, Mapping)) or not isinstance(documents, Iterable):
        raise ValueError(f"Documents to rank must be a list, not {type(documents).__name__}.")
    checked = list(documents)
    for place, document in enumerate(checked):
        texts = document.values() if isinstance(document, Mapping) else [document]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(
                f"Document {place} must be a string or a mapping of strings, not "
                f"{type(document).__name__}."
            )
    return checked


def ranking(answer: Any, count: int) -> Ranking:
    """The ranking of so many documents that an answer tells, best first.

    Raises:
        KeyError: A result lacks its place or score.
        ValueError: The places are not those of the documents.
    """
    results = [_ranked(result) for result in answer["results"]]
    places = [result.index for result in results]
    if len(set(places)) != len(places) or not all(0 <= place < count for place in places):
        raise ValueError("the indexes of the results are not those of the documents")
    best_first = sorted(results, key=lambda result: -result.score)
    return Ranking(tuple(best_first), usage_of(answer.get("usage")), answer)


def _ranked(result: Mapping[str, Any]) -> Ranked:
    index, document = whole_number(result["index"]), result.get("document")
    if index is None:
        raise ValueError("a result has no index")
    text = document.get("text") if isinstance(document, Mapping) else document
    return Ranked(index, float(result["relevance_score"]), text if isinstance(text, str) else None)


def in_order(ranking: Ranking, documents: Sequence[Any]) -> list[tuple[Any, float]]:
    """The documents of a ranking with their scores, best first."""
    return [(documents[result.index], result.score) for result in ranking.results]
