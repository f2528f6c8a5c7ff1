"""The last settings and clients are given again while nothing about them changes."""

import copy
import pickle

import pytest

from emissary_transport import ATOMA, ORQ, AsyncClient, Client, Connections
from emissary_transport.recalling import Recall

GIVEN = {
    "api_key": "k",
    "base_url": "https://h.test",
    "timeout": [1, 2],
    "max_retries": 0,
    "headers": {"x": "y"},
    "temperature": 1,
}
CHANGES = [
    {"api_key": "other"},
    {"base_url": "https://other.test"},
    {"timeout": [1, 3]},
    {"max_retries": 1},
    {"headers": {"x": "z"}},
    {"stall_timeout": 1},
    {"allow_http": True},
]


def test_settings_are_the_same_while_nothing_changes():
    recall = Recall(Connections())
    settings = recall.settings(ORQ, GIVEN)
    assert recall.settings(ORQ, copy.deepcopy(GIVEN) | {"temperature": 0}) is settings
    assert recall.settings(ATOMA, GIVEN) is not settings


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_is_noticed(change):
    recall = Recall(Connections())
    settings = recall.settings(ORQ, GIVEN)
    changed = recall.settings(ORQ, GIVEN | change)
    assert {name: getattr(changed, name) for name in change} == change
    assert settings == recall.settings(ORQ, GIVEN)


def test_so_is_one_in_place_and_one_of_the_type_alone():
    recall, waits = Recall(Connections()), [1, 2]
    first = recall.settings(ORQ, GIVEN | {"timeout": waits})
    waits[1] = 3
    assert recall.settings(ORQ, GIVEN | {"timeout": waits}) is not first
    with pytest.raises(ValueError, match="max_retries must be"):
        recall.settings(ORQ, GIVEN | {"timeout": waits, "max_retries": False})


def test_clients_are_the_same_for_the_same_settings():
    recall = Recall(Connections())
    settings = recall.settings(ORQ, GIVEN)
    one = recall.asker(Client, ORQ, settings)
    assert recall.asker(Client, ORQ, settings) is one
    assert isinstance(recall.asker(AsyncClient, ORQ, settings), AsyncClient)
    assert recall.asker(Client, ORQ, settings) is one
    assert recall.asker(Client, ORQ, recall.settings(ORQ, GIVEN | {"api_key": "o"})) is not one


def test_a_pickle_holds_no_key():
    recall = Recall(Connections())
    recall.asker(Client, ORQ, recall.settings(ORQ, GIVEN | {"api_key": "sk-test-1234567890"}))
    kept = pickle.dumps(recall)
    assert b"sk-test" not in kept
    assert isinstance(pickle.loads(kept), Recall)
