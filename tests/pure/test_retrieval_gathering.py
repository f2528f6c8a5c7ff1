"""Many jobs side by side: order, bound, the first failure."""

import threading
import time

import anyio
import anyio.lowlevel
import pytest

from emissary_transport.errors import RateLimited
from emissary_transport.gathering import (
    Together,
    agather,
    gather,
    must_be_bound,
    shared_limiter,
)

BACKENDS = ["asyncio", "trio"]


class Crowd:
    """Jobs that know how many of them are under way."""

    def __init__(self, failing=None, error=None):
        self.now = self.most = 0
        self.begun = []
        self.failing, self.error = failing, error or RateLimited("no")
        self.lock = threading.Lock()

    def enter(self, job):
        with self.lock:
            self.begun.append(job)
            self.now += 1
            self.most = max(self.most, self.now)
        if job == self.failing:
            raise self.error

    def leave(self, job):
        with self.lock:
            self.now -= 1
        return job * 10

    def do(self, job):
        self.enter(job)
        time.sleep(0.001)
        return self.leave(job)

    async def ado(self, job):
        self.enter(job)
        await anyio.sleep(0.001)
        return self.leave(job)


def run(how, crowd, jobs, bound, done=None):
    if how == "threads":
        return gather(crowd.do, iter(jobs), len(jobs), bound, done)
    return anyio.run(agather, crowd.ado, iter(jobs), len(jobs), bound, done, backend=how)


WAYS = ["threads", *BACKENDS]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("bound", [1, 3, 100])
def test_in_order_and_within_the_bound(how, bound):
    crowd, done = Crowd(), []
    assert run(how, crowd, range(30), bound, done.append) == [job * 10 for job in range(30)]
    assert crowd.most <= bound
    assert sorted(done) == list(range(30))


@pytest.mark.parametrize("how", WAYS)
def test_nothing_to_do(how):
    assert run(how, Crowd(), [], 8) == []


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("error", [RateLimited("no"), ValueError("bad")])
def test_the_first_failure_ends_it(how, error):
    crowd = Crowd(failing=5, error=error)
    with pytest.raises(type(error)) as caught:
        run(how, crowd, range(1000), 4)
    assert caught.value is error, "no group around it"
    assert len(crowd.begun) < 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_those_under_way_are_cancelled(backend):
    async def do(job):
        if job:
            await anyio.sleep(100)
        await anyio.lowlevel.checkpoint()
        raise RateLimited("no")

    with pytest.raises(RateLimited):
        anyio.run(agather, do, range(4), 4, 4, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_cancelled_from_outside(backend):
    async def scenario():
        with anyio.move_on_after(0.01) as scope:
            await agather(anyio.sleep, [100] * 4, 4, 4)
        assert scope.cancelled_caught

    anyio.run(scenario, backend=backend)


def test_one_job_needs_no_thread():
    assert gather(lambda _: threading.get_ident(), [1], 1, 8) == [threading.get_ident()]


def test_an_interrupt_stops_the_threads():
    begun = []

    def do(job):
        begun.append(job)
        time.sleep(0.001)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather(do, range(1000), 1000, 4, interrupt)
    assert len(begun) < 50


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_limiter_for_all_who_share_it(backend):
    async def scenario():
        one, other = shared_limiter(threading, 2), shared_limiter(threading, 3)
        assert one is other
        assert one.total_tokens == 3
        assert shared_limiter(anyio, 2) is not one

    anyio.run(scenario, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_given_up_together(backend):
    async def scenario():
        together, ended = Together(), []

        async def one(job):
            try:
                with together.one():
                    if job == 2:
                        await anyio.sleep(0.001)
                        raise RateLimited("no")
                    await anyio.sleep(100)
            except RateLimited:
                ended.append(job)

        async with anyio.create_task_group() as tasks:
            for job in range(5):
                tasks.start_soon(one, job)
        assert sorted(ended) == [0, 1, 2, 3, 4]
        with pytest.raises(RateLimited), together.one():
            pytest.fail("begun after the failure")

    anyio.run(scenario, backend=backend)


@pytest.mark.parametrize("bound", [0, -1, 1.5, True, None, "8"])
def test_bounds_that_are_none(bound):
    with pytest.raises(ValueError, match="at least 1"):
        must_be_bound(bound)
