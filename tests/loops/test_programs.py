"""Programs of their own: fork after use, and an end without warnings."""

import os

import pytest

from faults.ways import STOCK
from loops.playing import begun, playing, run

START = """
import asyncio, os, sys
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from faults import good
    from faults.ways import STOCK
way = STOCK[int(sys.argv[2])]
model = way.make(sys.argv[1], max_retries=0)

def ask(how):
    for (each, mode), ask in way.asks.items():
        if each != how:
            continue
        came = []
        if how == "sync":
            ask(model, came.append)
        else:
            asyncio.run(ask(model, came.append))
        assert "".join(came) == good.answer(way.kind), came
"""
FORKED = """
ask("sync")
ask("async")
child = os.fork()
for _ in range(3):
    ask("sync")
    ask("async")
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
UNCLOSED = """
for way in STOCK:
    model = way.make(sys.argv[1], max_retries=0)
    if type(model).__module__.startswith(sys.argv[3]):
        ask("sync")
        ask("async")
"""
LEFT = """
kept = []
def keep(stream):
    kept.append(stream)
    for _ in stream:
        return

async def akeep(stream):
    if asyncio.iscoroutine(stream):
        stream = await stream
    kept.append(stream)
    async for _ in stream:
        return

if hasattr(model, "ainvoke"):
    keep(model.stream("hi"))
    asyncio.run(akeep(model.astream("hi")))
elif way.kind in {"chat", "text"}:
    keep(model.stream_complete("hi"))
    asyncio.run(akeep(model.astream_complete("hi")))
"""


@pytest.fixture(autouse=True, params=["httpx", "fast"])
def over(request, monkeypatch):
    """Over which HTTP the program makes its async calls."""
    monkeypatch.setenv("EMISSARY_HTTP", request.param)


@pytest.mark.parametrize("framework", ["langchain", "llamaindex"])
def test_an_end_without_warnings_though_nothing_was_closed(framework):
    with playing() as peer:
        assert run(START + UNCLOSED, peer.base_url, "0", framework) == ""


@pytest.mark.parametrize("name", ["ChatOrq", "AtomaLLM", "Orq.chat", "Atoma.complete"])
def test_an_end_without_warnings_though_streams_were_left(name):
    number = next(n for n, way in enumerate(STOCK) if way.name == name)
    with playing(begun) as peer:
        assert run(START + LEFT, peer.base_url, str(number)) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("name", ["ChatOrq", "OrqEmbeddings", "Orq.chat", "OrqRerank"])
def test_a_forked_child_has_connections_of_its_own(name):
    number = next(n for n, way in enumerate(STOCK) if way.name == name)
    with playing() as peer:
        assert run(START + FORKED, peer.base_url, str(number)) == ""
