"""Every documented status with every shape of error, for every class; and `Retry-After`."""

import email.utils
import json
import socket
import time
from itertools import cycle

import pytest

from emissary_transport import errors
from faults.cells import asked, nothing_left
from faults.rows import GOOD, JSON, Outcome, body_of, sent, type_of
from faults.statuses import SPECIAL, STATUSES, bodies
from faults.ways import NAMES, WAYS, Way
from wire.peer import Peer

ways = pytest.mark.parametrize("way", WAYS, ids=NAMES)
CHATS = [way for way, name in zip(WAYS, NAMES, strict=True) if "Orq" in name]


@ways
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_an_error_in_whatever_shape_it_comes(way, status):
    outcome, asks = STATUSES[status], cycle(way.asks)
    next(asks) if status % 2 else None  # another shape for another way to ask
    for (told, body), (how, mode) in zip(bodies(way.service).values(), asks, strict=False):
        with nothing_left(), Peer(sent(body, told, f"{status} No")) as peer:
            assert asked(way, how, mode, way.make(peer.base_url), outcome, status) == ""
            assert len(peer.requests) == outcome.tries


@pytest.mark.parametrize(
    ("way", "special"),
    [(way, special) for special in SPECIAL for way in WAYS if way.service == special[0]],
    ids=lambda each: each.name if isinstance(each, Way) else " ".join(map(str, each[:3])),
)
def test_where_code_or_words_mean_more_than_the_status(way, special):
    _, status, code, message, outcome = special
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    for how, mode in way.asks:
        with nothing_left(), Peer(sent(body, JSON, f"{status} No")) as peer:
            asked(way, how, mode, way.make(peer.base_url), outcome, status)
            assert len(peer.requests) == outcome.tries


@ways
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Go", "308 Go", "304 Same"])
def test_a_redirect_to_another_origin_leads_nowhere(way, status):
    outcome = Outcome(errors.Redirected)
    for how, mode in way.asks:
        with (
            nothing_left(),
            Peer(sent(b"", JSON)) as other,
            Peer(sent(b"", JSON, status, location=other.base_url)) as peer,
        ):
            asked(way, how, mode, way.make(peer.base_url), outcome, int(status[:3]))
            assert (len(peer.requests), other.accepts) == (1, 0)


@ways
def test_a_refused_connection(way, slept):
    for how, mode in way.asks:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        slept.clear()
        with nothing_left():
            model = way.make(f"http://127.0.0.1:{port}")
            asked(way, how, mode, model, Outcome(errors.NoAnswer))
        assert len(slept) == 2, "three tries"


@ways
@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "nonsense"])
def test_a_refusal_that_is_packed_oddly_is_not_unpacked(way, coding):
    for how, mode in way.asks:
        steps = sent(b"\x1f\x8b\xff", JSON, "503 Busy", content_encoding=coding)
        with nothing_left(), Peer(steps) as peer:
            asked(way, how, mode, way.make(peer.base_url), STATUSES[503], 503)
            assert len(peer.requests) == 3


def in_a_minute():
    return email.utils.formatdate(time.time() + 30, usegmt=True)


AFTERS = {
    "seconds": ({"retry_after": "3"}, (3, 3)),
    "part of a second": ({"retry_after": "0.5"}, (0.5, 0.5)),
    "milliseconds": ({"retry_after_ms": "1500", "retry_after": "9"}, (1.5, 1.5)),
    "date": ({"retry_after": in_a_minute}, (25, 30)),
    "date gone by": ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, (0, 0)),
    "more than a minute": ({"retry_after": "3600"}, (0.3, 0.5)),
    "negative": ({"retry_after": "-5"}, (0, 0)),
    "infinite": ({"retry_after": "inf"}, (0.3, 0.5)),
    "no number": ({"retry_after": "soon"}, (0.3, 0.5)),
    "beyond all dates": ({"retry_after": "Fri, 31 Dec 99999 23:59:59 GMT"}, (0.3, 0.5)),
    "nothing": ({"retry_after": ""}, (0.3, 0.5)),
    "not a number": ({"retry_after": "nan"}, (0.3, 0.5)),
    "astronomical": ({"retry_after": "1e300"}, (0.3, 0.5)),
}
"""The header, and the least and most that may be waited."""


@pytest.mark.parametrize("way", CHATS, ids=lambda way: way.name)
@pytest.mark.parametrize("after", AFTERS)
@pytest.mark.parametrize("status", ["429 Slow down", "503 Busy"])
def test_retry_after(way, after, status, slept):
    headers, (least, most) = AFTERS[after]
    headers = {name: told() if callable(told) else told for name, told in headers.items()}
    for how, mode in way.asks:
        slept.clear()
        refused, good = (
            sent(b"", JSON, status, **headers),
            sent(body_of(way.kind, mode), type_of(mode)),
        )
        with nothing_left(), Peer(refused, good) as peer:
            assert asked(way, how, mode, way.make(peer.base_url), GOOD)
            assert len(peer.requests) == 2
        [waited] = slept
        assert least <= waited <= most
