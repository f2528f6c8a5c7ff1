"""The goals: what our clients may cost beside the others in the same run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.clients.registry import ENTRIES, Family, Http
from benchmarks.rounds import Medians
from benchmarks.scenarios import IMPORT

HTTPS: tuple[Http, ...] = ("httpx", "fast")


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework: the peer that ours are compared with, and itself without any service."""

    name: str
    family: Family
    peer: str
    alone: str
    makes: str
    """Itself, making the chunks that it gives out."""

    def ours(self, http: Http) -> list[str]:
        """Our clients in it over one kind of HTTP."""
        return [e.name for e in ENTRIES if e.family == self.family and e.http == http]


LANGCHAIN = Framework(
    "LangChain", "langchain", "ChatOpenAI", "langchain-core", "langchain-core+make"
)
LLAMAINDEX = Framework(
    "LlamaIndex", "llamaindex", "OpenAILike", "llama-index-core", "llama-index-core+make"
)
FRAMEWORKS = (LANGCHAIN, LLAMAINDEX)


@dataclass(frozen=True, slots=True)
class Check:
    """One goal and what came of it; no result if a part of it was not measured."""

    row: str
    what: str
    limit: float
    result: float | None

    @property
    def passed(self) -> bool | None:
        """Whether the goal is met, if it is known."""
        return None if self.result is None else round(self.result, 2) <= self.limit


@dataclass(frozen=True, slots=True)
class Goals:
    """The issue's table over the medians of a run, in processor time unless it is a latency."""

    medians: Medians
    clock: str = "cpu"

    def checks(self) -> Iterator[Check]:
        """Every goal."""
        yield from self._beside_peer("plain call", ("call", "acall"), {"httpx": 0.45, "fast": 0.3})
        yield from self._beside_peer("256 concurrent calls", ("calls", "busy"), {"fast": 0.1})
        for kind in ("stream", "astream"):
            keys = (f"{kind}-2k", f"{kind}-20k")
            yield from self._beside_peer("text chunk", keys, {"httpx": 0.2, "fast": 0.12})
        for kind in ("stream", "astream"):
            yield from self._growth("growth, 20,000 over 2,000 text chunks", kind)
        yield from self._tools()
        yield from self._beside_peer("200 concurrent streams", ("streams",), {"fast": 0.12})
        yield from self._counted("streams", "connections", "connections for 600 streams", 200)
        yield from self._latencies()
        yield from self._new_models()
        yield from self._imports()
        yield from self._memory()

    def _value(self, key: str, client: str, quantity: str) -> float | None:
        return self.medians.get(key, {}).get(client, {}).get(quantity)

    def _worst(self, key: str, clients: list[str], quantity: str) -> float | None:
        """The worst of some clients, or None if none was measured."""
        found = [v for name in clients if (v := self._value(key, name, quantity)) is not None]
        return max(found, default=None)

    def _ratio(
        self, key: str, clients: list[str], other: str, quantity: str | None = None
    ) -> float | None:
        quantity = quantity or self.clock
        ours, theirs = self._worst(key, clients, quantity), self._value(key, other, quantity)
        return ours / theirs if ours is not None and theirs else None

    def _beside_peer(
        self, row: str, keys: tuple[str, ...], limits: dict[Http, float]
    ) -> Iterator[Check]:
        for key in keys:
            for framework in FRAMEWORKS:
                for http, limit in limits.items():
                    ratio = self._ratio(key, framework.ours(http), framework.peer)
                    what = f"{key}: {framework.name}, {http} / {framework.peer}"
                    yield Check(row, what, limit, ratio)

    def _grown(self, kind: str, clients: list[str]) -> float | None:
        """The worst growth of the cost a unit, from 2,000 to 20,000 of them."""
        grown = [
            self._ratio_of(self._value(f"{kind}-20k", c, self.clock), f"{kind}-2k", c)
            for c in clients
        ]
        return max((each for each in grown if each is not None), default=None)

    def _ratio_of(self, value: float | None, key: str, client: str) -> float | None:
        other = self._value(key, client, self.clock)
        return value / other if value is not None and other else None

    def _growth(self, row: str, kind: str) -> Iterator[Check]:
        for framework in FRAMEWORKS:
            own = self._grown(kind, [framework.makes])
            for http in HTTPS:
                grown = self._grown(kind, framework.ours(http))
                what = f"{kind}: {framework.name}, {http}; the framework's own {own or 0:.2f} + 0.1"
                if own is not None:
                    yield Check(row, what, round(own + 0.1, 2), grown)

    def _tools(self) -> Iterator[Check]:
        row = "streamed tool call"
        for key in ("tool-2k", "tool-20k", "atool-2k"):
            ratio = self._ratio(key, LANGCHAIN.ours("fast"), LANGCHAIN.peer)
            yield Check(row, f"{key}: LangChain, fast / ChatOpenAI", 0.12, ratio)
        for key in ("tool-2k", "atool-2k"):
            ratio = self._ratio(key, LLAMAINDEX.ours("fast"), LLAMAINDEX.peer)
            yield Check(row, f"{key}: LlamaIndex, fast, calls read on every chunk", 0.12, ratio)
        for framework, linear in ((LANGCHAIN, 1.5), (LLAMAINDEX, 1.5)):
            grown = self._grown("tool", framework.ours("httpx") + framework.ours("fast"))
            yield Check(row, f"{framework.name}: linear, 20,000 over 2,000", linear, grown)

    def _counted(self, key: str, quantity: str, row: str, limit: float) -> Iterator[Check]:
        for framework in FRAMEWORKS:
            own = (
                self._value(key, framework.alone, quantity) or 0
            )  # langchain-core's tracer has one
            for http in HTTPS:
                most = self._worst(key, framework.ours(http), quantity)
                beside = None if most is None else most - own
                yield Check(row, f"{framework.name}, {http}", limit, beside)

    def _latencies(self) -> Iterator[Check]:
        names = {
            "first": "time to first token",
            "afirst": "time to first token",
            "age": "age of a paced chunk",
            "aage": "age of a paced chunk",
        }
        for key, row in names.items():
            for framework in FRAMEWORKS:
                for http in HTTPS:
                    ratio = self._ratio(key, framework.ours(http), "httpx", "wall")
                    yield Check(row, f"{key}: {framework.name}, {http} / httpx", 1.3, ratio)

    def _new_models(self) -> Iterator[Check]:
        row = "new model and first call"
        for framework, limit in ((LANGCHAIN, 0.5), (LLAMAINDEX, 0.1)):
            for http in HTTPS:
                ratio = self._ratio("new", framework.ours(http), framework.peer, "wall")
                yield Check(row, f"{framework.name}, {http} / {framework.peer}", limit, ratio)
        yield from self._counted("models", "connections", "ten models: pools", 1)
        yield from self._counted("models", "contexts", "ten models: TLS contexts", 1)

    def _imports(self) -> Iterator[Check]:
        for framework in FRAMEWORKS:
            name = framework.ours("httpx")[0]
            ratio = self._ratio(IMPORT, [name], framework.alone)
            yield Check("import", f"{framework.name} / {framework.alone}", 1.1, ratio)

    def _memory(self) -> Iterator[Check]:
        for framework in FRAMEWORKS:
            for http in HTTPS:
                ratio = self._ratio("memory", framework.ours(http), framework.makes, "peak")
                what = f"{framework.name}, {http} / {framework.makes}"
                yield Check("memory, peak over 20,000 chunks", what, 1.2, ratio)
