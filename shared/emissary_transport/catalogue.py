"""The models that a service offers: where it lists them, and what it tells about each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlencode

from emissary_transport.errors import BadAnswer, NotFound
from emissary_transport.fields import Field
from emissary_transport.inquiry import Inquiry, ModelCard
from emissary_transport.service import Service
from emissary_transport.types import Json


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list's models, and whether there are more."""

    cards: tuple[ModelCard, ...]
    has_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of models that a service publishes, as a value."""

    path: str
    """Where it is, below the service's root."""
    card: Callable[[Json], ModelCard]
    """What an entry tells."""
    filters: Mapping[str, Field] = field(default_factory=dict)
    """The documented parameters of its query; an array is repeated."""
    page: int | None = None
    """How many entries to ask for at a time, where it comes in pages."""
    has_key: bool = True
    """Whether the key goes along."""
    tells: bool = False
    """Whether it tells more than names."""


Listings: TypeAlias = Mapping[str, Listing]
"""A service's lists by our names for them; the first one is meant if none is named."""
Pages: TypeAlias = Generator[Inquiry[Page], Page, "list[ModelCard]"]


def listed_models(
    service: Service, base_url: str, listings: Listings, name: str | None, given: Mapping[str, Any]
) -> Pages:
    """Ask for page after page, and give all models.

    Raises:
        BadAnswer: The pages come round again.
        ValueError: There is no such list, or it has no such filter.
    """
    listing = _chosen(service, listings, name)
    query = _query(listing, given)
    cursor, edge = ("ending_before", 0) if "ending_before" in query else ("starting_after", -1)
    pages: list[tuple[ModelCard, ...]] = []
    seen = {query.get(cursor)}
    while True:
        page = yield page_inquiry(service, base_url, listing, query)
        pages.append(page.cards)
        if not page.has_more or not page.cards or listing.page is None:
            break
        query[cursor] = page.cards[edge].id
        if query[cursor] in seen:
            raise BadAnswer(
                f"{service.title} sent the same page of its models twice.", service=service.name
            )
        seen.add(query[cursor])
    ordered = pages if edge else reversed(pages)
    return [card for cards in ordered for card in cards]


def described_model(
    service: Service, base_url: str, listings: Listings, model: Any
) -> Generator[Inquiry[Page], Page, ModelCard]:
    """Ask what the service tells about one model.

    Raises:
        NotFound: It lists no such model.
        ValueError: There is no model to ask about, or the service lists none.
    """
    if not isinstance(model, str) or not model:
        raise ValueError("There is no model to ask about: set `model`.")
    telling = next((name for name, listing in listings.items() if listing.tells), None)
    for card in (yield from listed_models(service, base_url, listings, telling, {})):
        if card.id == model:
            return card
    raise NotFound(
        f"{service.title} lists no model {model!r}. {NotFound.advice}", service=service.name
    )


def _chosen(service: Service, listings: Listings, name: str | None) -> Listing:
    if not listings:
        raise ValueError(f"{service.title} lists no models.")
    if name is None:
        return next(iter(listings.values()))
    if name not in listings:
        raise ValueError(
            f"{service.title} has no list {name!r} of its models, only {', '.join(listings)}."
        )
    return listings[name]


def _query(listing: Listing, given: Mapping[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = {} if listing.page is None else {"limit": listing.page}
    for name, value in given.items():
        if value is None:
            continue
        if name not in listing.filters:
            filters = ", ".join(sorted(listing.filters)) or "none"
            raise ValueError(f"The list of models has no filter {name!r}; it has: {filters}.")
        kind = listing.filters[name]
        is_one_of_many = kind.kind == "array" and isinstance(value, str)
        query[name] = [value] if is_one_of_many else kind.checked(name, value)
    return query


def page_inquiry(
    service: Service, base_url: str, listing: Listing, query: Mapping[str, Any]
) -> Inquiry[Page]:
    """The question for one page."""
    url = bare_root(service, base_url) + listing.path
    return Inquiry(
        service=service,
        url=f"{url}?{urlencode(query, doseq=True)}" if query else url,
        has_key=listing.has_key,
        read=lambda answer: _page(listing, answer),
    )


def _page(listing: Listing, answer: Any) -> Page:
    """A page from a bare array, or from `data` with `has_more` beside it."""
    if isinstance(answer, list):
        return Page(tuple(map(listing.card, answer)))
    entries = answer["data"] or []
    return Page(tuple(map(listing.card, entries)), answer.get("has_more") is True)


def bare_root(service: Service, base_url: str) -> str:
    """The base URL without the version part that it may end in.

    Raises:
        ValueError: It is no base URL.
    """
    root = service.root(base_url)
    if service.aliases:
        root = service.aliases.sub("", root)
    segments = service.prefix.strip("/").split("/")
    for count in range(len(segments), 0, -1):
        part = "/" + "/".join(segments[:count])
        if root.endswith(part):
            return root[: -len(part)]
    return root


def whole(told: Any) -> int | None:
    """A number of tokens, which may come as text.

    >>> whole("128000"), whole(512.0), whole("many"), whole(None)
    (128000, 512, None, None)
    """
    try:
        number = float(told)
    except (TypeError, ValueError):
        return None
    return int(number) if 0 < number < float("inf") else None


def names(told: Any) -> frozenset[str] | None:
    """A list of words, or None where there is no list."""
    if isinstance(told, str) or not isinstance(told, Iterable):
        return None
    return frozenset(word for word in told if isinstance(word, str))
