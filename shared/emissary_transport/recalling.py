"""What a model's last call was put to: the next one mostly goes the same way."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

from emissary_transport.parameters import SETTINGS, Parameters, settings_of
from emissary_transport.service import Service
from emissary_transport.settings import Settings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from emissary_transport.pool import Connections


class Asker(Protocol):
    """A client, as far as it matters here."""

    service: Service
    settings: Settings


A = TypeVar("A", bound=Asker)
Make: TypeAlias = Callable[[Service, Settings, "Connections"], A]


class Recall:
    """The last settings and clients of one model, given again while nothing about them changes."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._last: tuple[Service, dict[str, Any], Settings] | None = None
        self._askers: dict[object, Asker] = {}

    def __reduce__(self) -> tuple[type[Recall], tuple[Connections]]:
        return Recall, (self.connections,)

    def settings(self, service: Service, given: Parameters) -> Settings:
        """How the service is to be reached; see `parameters.settings_of`."""
        told = {name: given[name] for name in SETTINGS if name in given}
        last = self._last
        if last is None or last[0] is not service or not _are_same(last[1], told):
            kept = {name: copy(value) for name, value in told.items()}
            last = self._last = (service, kept, settings_of(service, given))
        return last[2]

    def asker(self, make: Make[A], service: Service, settings: Settings) -> A:
        """A client of a kind."""
        last = cast("A | None", self._askers.get(make))
        if last is None or last.settings is not settings or last.service is not service:
            last = self._askers[make] = make(service, settings, self.connections)
        return last


def recall_of(model: BaseModel) -> Recall | None:
    """What a model has as `_recall`, a private attribute, which Pydantic takes long to find."""
    return cast("Recall | None", (model.__pydantic_private__ or {}).get("_recall"))


def _are_same(known: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether two sets of parameters, in one order, are alike to the type: True is no 1 here."""
    return known == told and [*map(type, known.values())] == [*map(type, told.values())]
