"""What must not be shown: held so that no repr tells it, and cut out of errors that repeat it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from emissary_transport.errors import OnTheWayOut, ServiceError

SHORTEST = 8
"""A shorter secret is a placeholder, and part of ordinary words."""
HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
"""Headers whose values are ordinary words."""
_MASK = "***"


class Secret(str):
    """A text that its repr does not tell, in case local variables are shown with a traceback.

    >>> Secret("sk-1"), Secret("sk-1") == "sk-1"
    ('***', True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_MASK)


def hidden(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers, with values that no repr tells."""
    return {
        name: Secret(value) if isinstance(value, str) else value for name, value in headers.items()
    }


def secrets_of(key: str, headers: Mapping[str, Any]) -> list[Secret]:
    """What has to be kept out of errors: the key and the values of headers, longest first."""
    values = [
        value
        for name, value in headers.items()
        if isinstance(value, str) and str(name).lower() not in HARMLESS
    ]
    long = {Secret(value.strip()) for value in (key, *values) if len(value.strip()) >= SHORTEST}
    return sorted(long, key=len, reverse=True)


def without(secrets: Iterable[str], told: Any) -> Any:
    """What was told, with the secrets cut out of all texts in it.

    >>> without(["sk-12345"], {"error": ["Bad key sk-12345", 7]})
    {'error': ['Bad key ***', 7]}
    """
    if isinstance(told, str):
        for secret in secrets:
            told = told.replace(secret, _MASK)
        return told
    if isinstance(told, Mapping):
        return {without(secrets, name): without(secrets, value) for name, value in told.items()}
    if isinstance(told, (list, tuple)):
        return type(told)(without(secrets, each) for each in told)
    return told


class discreet(OnTheWayOut):  # noqa: N801 - like those of contextlib
    """Let an error out without the secrets, should the service have repeated them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def see(self, error: ServiceError) -> None:
        """Cut the secrets out."""
        for name, fact in error.facts().items():
            setattr(error, name, without(self._secrets, fact))
        for each in _causes(error):
            each.args = without(self._secrets, each.args)
        forget_locals(error)


def forget_locals(error: BaseException) -> None:
    """Let go of the local variables of what has ended, which hold requests and their headers."""
    for each in _causes(error):
        traceback.clear_frames(each.__traceback__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
