"""Both shells by one name, over real sockets."""

import asyncio

from emissary_transport import ORQ, AsyncClient, Call, Client, Message, Settings
from emissary_transport.assembly import assembled


def call(text="hi", **fields):
    return Call(model="m", messages=(Message("user", text),), **fields)


STREAMED = call(stream=True)


def settings(peer, **more):
    base_url = getattr(peer, "base_url", peer)
    return Settings(**{"api_key": "sk-test-1234567890", "base_url": base_url} | more)


class Live:
    """A client that is sync or async inside, and sync outside; it waits for nothing."""

    def __init__(self, how, peer, service=ORQ, **more):
        self.is_sync = how.startswith("sync")
        self.slept = []
        self.client = (Client if self.is_sync else AsyncClient)(service, settings(peer, **more))
        self.client.sleep = self.slept.append if self.is_sync else self._asleep

    async def _asleep(self, seconds):
        self.slept.append(seconds)

    def chats(self, *calls):
        """The answers to calls, one after the other; async, in one event loop."""
        if self.is_sync:
            return [self.client.chat(each) for each in calls]

        async def all_of_them():
            return [await self.client.chat(each) for each in calls]

        return asyncio.run(all_of_them())

    def chat(self, each=None):
        return self.chats(each or call())[0]

    def stream(self, each=STREAMED, into=None):
        """The deltas of a call."""
        into = [] if into is None else into
        if self.is_sync:
            into.extend(self.client.stream(each))
            return into

        async def all_of_them():
            async for delta in self.client.stream(each):
                into.append(delta)

        asyncio.run(all_of_them())
        return into

    def streamed(self, each=STREAMED):
        return assembled(self.stream(each))

    def close(self):
        if self.is_sync:
            self.client.close()
        else:
            asyncio.run(self.client.aclose())
