"""Every fault, through real sockets, for every class: sync and async, plain and streamed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from emissary_transport import sse
from faults.cells import check, nothing_left
from faults.rows import LIMIT, ROWS
from faults.ways import NAMES, WAYS


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_fault(row, way, monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", LIMIT)
    monkeypatch.setattr(sse, "MAX_BODY_BYTES", LIMIT)
    with nothing_left(), ThreadPoolExecutor(4) as side_by_side:
        for cell in [side_by_side.submit(check, row, way, *each) for each in way.asks]:
            cell.result()
