"""A task that is cancelled where it waits, wherever that is."""

import asyncio
import types

import pytest

from faults import good
from faults.cells import nothing_left
from faults.ways import NAMES, WAYS
from loops.playing import playing, settled, slowly

CASES = [
    pytest.param(way, mode, id=f"{name} {mode}")
    for way, name in zip(WAYS, NAMES, strict=True)
    for how, mode in way.asks
    if how == "async"
]


class Cancelling:
    """Cancels a task when it, or a task that it began, waits for the nth time."""

    def __init__(self, place):
        self.place = place
        self.waits = 0
        self.task = None

    def make(self, loop, coroutine, **more):
        """A task whose waits are counted."""
        task = asyncio.Task(self._counted(coroutine), loop=loop, **more)
        task.add_done_callback(lambda _: coroutine.close())  # it may never have begun
        return task

    async def _counted(self, coroutine):
        return await self._steps(coroutine)

    @types.coroutine
    def _steps(self, coroutine):
        steps, value = coroutine.__await__(), None
        go_on = steps.send
        while True:
            try:
                waited_for = go_on(value)
            except StopIteration as end:
                return end.value
            if self.waits == self.place:
                self.task.cancel()
            self.waits += 1
            try:
                go_on, value = steps.send, (yield waited_for)
            except BaseException as error:
                go_on, value = steps.throw, error


@pytest.mark.parametrize(("way", "mode"), CASES)
def test_cancelled_at_any_await(way, mode):
    """The cancellation comes out, nothing is left, and the next call is answered."""
    ask = way.asks["async", mode]

    async def asked(model):
        came = []
        await ask(model, came.append)
        return "".join(came)

    async def main(cancelling):
        model = way.make(peer.base_url, max_retries=0)
        loop = asyncio.get_running_loop()
        loop.set_task_factory(cancelling.make)
        cancelling.task = loop.create_task(asked(model))
        await asyncio.wait([cancelling.task])
        loop.set_task_factory(None)
        was_cancelled = cancelling.task.cancelled()
        if not was_cancelled:
            assert cancelling.task.result() == good.answer(way.kind)
        assert await asked(model) == good.answer(way.kind)
        await model.aclose()
        await settled()
        return was_cancelled

    with nothing_left(), playing(slowly) as peer:
        for place in range(200):
            cancelling = Cancelling(place)
            if not asyncio.run(main(cancelling)):
                break
        assert 2 < place < 199
        assert cancelling.waits <= place + 1, "a cancellation was swallowed"
        assert peer.served.wait(2)
