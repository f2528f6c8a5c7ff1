"""From flat parameters to a question with one answer: whom to ask, where, with which fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emissary_transport.fields import OBJECT, STRING
from emissary_transport.inquiry import Inquiry, T
from emissary_transport.parameters import (
    BODY_NAMES,
    IDS,
    SETTINGS,
    Parameters,
    SettingsOf,
    settings_of,
)
from emissary_transport.service import Service, checked_options
from emissary_transport.settings import Settings
from emissary_transport.types import Json

_WORDS = SETTINGS | IDS | {"model", "extra_body"}
"""Parameters that are no fields of a body by their name."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whom to ask and how, all but what is asked about."""

    service: Service
    settings: Settings
    url: str
    fields: Json
    extra_body: Json

    def about(self, said: Json, read: Callable[[Any], T]) -> Inquiry[T]:
        """The question about these things."""
        body = {**self.fields, **said, **self.extra_body}
        return Inquiry(service=self.service, url=self.url, body=body, read=read)


def question(
    service: Service, given: Parameters, settings_of: SettingsOf = settings_of
) -> Question:
    """What the parameters ask for.

    Args:
        service: Whom to ask.
        given: Parameters by their documented names, none of them None.
        settings_of: Tells how the service is to be reached.

    Raises:
        ValueError: There is no key or model, or a parameter is none of the service's or has a value
            that can't be meant.
    """
    settings = settings_of(service, given)
    ids = {name: given[name] for name in IDS & given.keys()}
    options = {
        BODY_NAMES.get(name, name): value for name, value in given.items() if name not in _WORDS
    }
    return Question(
        service,
        settings,
        service.url(settings.base_url, service.path, ids),
        _model(service, given) | checked_options(service, options),
        OBJECT.checked("extra_body", given.get("extra_body", {})),
    )


def _model(service: Service, given: Parameters) -> Json:
    if not service.model_in_body:
        return {}
    model = STRING.checked("model", given.get("model", ""))
    if not model.strip():
        raise ValueError(f"{service.title} needs a model: set `model`.")
    return {"model": model}
