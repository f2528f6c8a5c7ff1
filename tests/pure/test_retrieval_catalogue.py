"""Lists of models: pages, filters, addresses, cards."""

import json
from pathlib import Path

import pytest

from emissary_transport.catalogue import Page, bare_root, described_model, listed_models
from emissary_transport.errors import BadAnswer, NotFound
from emissary_transport.inquiry import ModelCard
from emissary_transport.services import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, LISTINGS, ORQ

WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
BASE = "https://x.test"


def cards(*ids):
    return tuple(ModelCard(each) for each in ids)


def run(pages, *answers):
    """What comes of asking for pages, and the addresses that were asked."""
    urls, given = [], iter(answers)
    try:
        inquiry = next(pages)
        while True:
            urls.append(inquiry.url)
            inquiry = pages.send(next(given))
    except StopIteration as end:
        return end.value, urls


def listed(service, name=None, base=BASE, **filters):
    return listed_models(service, base, LISTINGS[service.name], name, filters)


def read(service, name, example):
    (inquiry,) = [next(listed(service, name))]
    return inquiry.answer((WIRE / example).read_bytes())


def test_page_after_page():
    found, urls = run(
        listed(ORQ), Page(cards("a", "b"), True), Page(cards("c"), True), Page(cards("d"))
    )
    assert [card.id for card in found] == ["a", "b", "c", "d"]
    first = f"{BASE}/v2/model-catalog?limit=1000"
    assert urls == [first, f"{first}&starting_after=b", f"{first}&starting_after=c"]


def test_page_before_page():
    found, urls = run(listed(ORQ, ending_before="x"), Page(cards("c", "d"), True), Page(cards("b")))
    assert [card.id for card in found] == ["b", "c", "d"]
    assert [url.rpartition("=")[2] for url in urls] == ["x", "c"]


def test_more_that_is_not_there():
    found, urls = run(listed(ORQ), Page(cards("a"), True), Page((), True))
    assert [card.id for card in found] == ["a"]
    assert len(urls) == 2


def test_pages_that_go_round_in_circles():
    with pytest.raises(BadAnswer, match="same page"):
        run(listed(ORQ), Page(cards("a"), True), Page(cards("b"), True), Page(cards("a"), True))


def test_filters_are_repeated():
    _, (url,) = run(listed(ORQ, provider=["a", "b"], feature="vision", limit=5), Page(()))
    assert url == f"{BASE}/v2/model-catalog?limit=5&provider=a&provider=b&feature=vision"


@pytest.mark.parametrize(
    ("service", "base", "root"),
    [
        (ORQ, "https://x.test/v2/router", "https://x.test"),
        (ORQ, "https://x.test/v3/router/", "https://x.test"),
        (ORQ, "https://x.test/p/v2/proxy", "https://x.test/p"),
        (ORQ, "https://x.test/v2", "https://x.test"),
        (ORQ, "https://x.test/router", "https://x.test/router"),
        (ATOMA, "https://x.test/v1", "https://x.test"),
        (ATOMA, "https://x.test/p", "https://x.test/p"),
        (EMISSARY_DEPLOYMENT, "https://x.test/v1/", "https://x.test"),
    ],
)
def test_lists_are_below_the_root(service, base, root):
    assert bare_root(service, base) == root


def test_no_key_where_the_list_is_open():
    inquiry = next(listed(ATOMA, "open_router"))
    assert (inquiry.url, inquiry.has_key) == (f"{BASE}/v1/open_router/models", False)
    assert next(listed(ATOMA)).has_key
    assert next(listed(EMISSARY)).has_key


def test_recorded_lists():
    assert [card.id for card in read(ORQ, "models", "orq.models.response.json").cards] == [
        "openai/gpt-4o",
        "anthropic/claude-sonnet-4-5",
    ]
    (card,) = read(ORQ, "catalogue", "orq.model-catalog.response.json").cards
    assert card.context_window == 128000
    assert card.abilities == {"json_mode", "tool_calling", "vision"}
    assert (card.inputs, card.outputs) == ({"text", "image"}, {"text"})
    assert card.raw["created"] == "1715367049"
    assert len(read(ATOMA, "models", "atoma.models.response.json").cards) == 2
    first, second = read(EMISSARY, "models", "emissary.models.response.json").cards
    assert (first.id, first.raw["type"]) == ("Llama-3.2-1B-Instruct", "completion")
    assert second.abilities is None


@pytest.mark.parametrize("told", [None, []])
def test_a_list_of_nothing(told):
    assert next(listed(ORQ)).answer(json.dumps({"data": told}).encode()) == Page(())


@pytest.mark.parametrize("body", [b"{}", b"7", b'{"data": [{}]}', b'{"data": 7}', b"[7]"])
def test_unusable_lists(body):
    with pytest.raises(BadAnswer):
        next(listed(ORQ)).answer(body)


@pytest.mark.parametrize("told", [None, "many", "", -5, [], "0"])
def test_a_context_window_that_is_none(told):
    body = json.dumps({"data": [{"id": "a", "context_window": told, "modalities": None}]})
    (card,) = next(listed(ORQ)).answer(body.encode()).cards
    assert card.context_window is None
    assert card.inputs is card.abilities is None


def test_the_list_that_tells_most_describes_a_model():
    wanted = ModelCard("m", context_window=5)
    for service, path in ((ORQ, "model-catalog"), (ATOMA, "open_router"), (EMISSARY, "/v1/models")):
        pages = described_model(service, BASE, LISTINGS[service.name], "m")
        found, (url,) = run(pages, Page((*cards("a"), wanted)))
        assert found is wanted
        assert path in url


def test_a_model_that_is_not_listed():
    with pytest.raises(NotFound, match="Orq lists no model 'm'"):
        run(described_model(ORQ, BASE, LISTINGS["orq"], "m"), Page(cards("a")))


@pytest.mark.parametrize("model", ["", None, 7])
def test_no_model_to_describe(model):
    with pytest.raises(ValueError, match="model"):
        next(described_model(ORQ, BASE, LISTINGS["orq"], model))


def test_a_service_without_lists():
    with pytest.raises(ValueError, match="lists no models"):
        next(listed_models(ORQ, BASE, {}, None, {}))
