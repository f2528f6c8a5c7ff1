"""What all components of ours share: whom to ask, with which key, over which connections."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from llama_index.core.bridge.pydantic import Field, PrivateAttr, SecretStr, model_validator
from llama_index.core.schema import BaseComponent
from pydantic import ConfigDict, field_validator
from typing_extensions import Self

import emissary_transport as transport
from emissary_transport.inquiry import ModelCard
from emissary_transport.parameters import Asked, merged, sorted_out
from emissary_transport.question import Question
from emissary_transport.recalling import Recall, recall_of
from emissary_transport.secrecy import Secret, hidden
from emissary_transport.service import Service
from emissary_transport.settings import Settings, found_base_url, found_key, must_be_private

ARGUMENTS = {
    "model_name": "model",
    "stop_sequences": "stop",
    "base_url": "api_base",
    "request_timeout": "timeout",
    "extra_headers": "default_headers",
    "metadata": "router_metadata",
}
"""Other names of arguments. `metadata` is also what LlamaIndex calls a model's description."""

if TYPE_CHECKING:
    from emissary_transport import AsyncClient, Client, Connections

RENAMED = {"api_base": "base_url", "stream_usage": "usage"}
"""What the transport calls our fields."""

CONNECTION = (
    "model",
    "timeout",
    "stall_timeout",
    "max_retries",
    "retry_timeouts",
    "allow_http",
    "api_key",
    "api_base",
    "extra_body",
)
"""Fields that say something about a request of any kind."""

HEADERS = ("default_headers", "extra_headers", "headers")
OWN_CLIENTS = ("http_client", "async_http_client")


class ServiceComponent(BaseComponent):
    """A component that asks one of our services, whatever it asks for."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, protected_namespaces=(), hide_input_in_errors=True
    )

    service: ClassVar[Service]
    documented: ClassVar[tuple[str, ...]]
    """Fields for what only some services document."""
    common: ClassVar[tuple[str, ...]] = CONNECTION
    """Fields that every service has."""
    arguments: ClassVar[Mapping[str, str]] = ARGUMENTS
    """Other names of arguments, and the fields that they mean."""

    timeout: Any = None
    """Seconds between bytes, a tuple (connect, read, write, pool), an `httpx.Timeout`, or None for
    10 s to connect and 600 s between bytes."""
    stall_timeout: float | None = None
    """Seconds between two events of an answer, whatever keep-alive comments come; None means the
    read timeout."""
    max_retries: int = 2
    """How many more times to try where nothing came or the service asks to try again."""
    retry_timeouts: bool = False
    """Also send again what was not answered in time, although it may be billed twice."""
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """The key; from the environment if not given."""
    api_base: str | None = None
    """Root of the service, with or without its version part; from the environment if not given."""
    allow_http: bool = False
    """Send the key also over plain HTTP to another machine, on a network that you trust."""
    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Further headers of every request; they may hold secrets and are never serialised."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """An `httpx.Client` of your own, for proxies, certificates or limits."""
    async_http_client: Any = Field(default=None, exclude=True, repr=False)
    """The same for async calls: an `httpx.AsyncClient`."""
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body."""
    extra_body: dict[str, Any] | None = None
    """Further fields of the request body, sent as they are over everything else."""

    _recall: Recall | None = PrivateAttr(default=None)

    def __init__(self, *args: Any, **given: Any) -> None:
        # Pydantic's errors keep what was given, so the key is hidden before they can.
        for name in given:
            if name.endswith("api_key") and isinstance(given[name], str):
                given[name] = SecretStr(given[name])
        super().__init__(*args, **given)

    @model_validator(mode="before")
    @classmethod
    def _know_arguments(cls, values: Any) -> Any:
        """Take the names that users know, and refuse what no field is for."""
        if not isinstance(values, dict):
            return values
        known = {cls.arguments.get(str(name), str(name)): value for name, value in values.items()}
        known.pop("class_name", None)
        for name in known:
            if name not in cls.model_fields:
                close = difflib.get_close_matches(name, cls.model_fields, 1)
                meant = f" Did you mean {close[0]}?" if close else ""
                raise ValueError(
                    f"{cls.__name__} has no argument {name!r}.{meant} To send a field that "
                    f"{cls.service.title} does not document, use extra_body."
                )
        return known

    @field_validator("additional_kwargs", mode="before")
    @classmethod
    def _none_is_nothing(cls, given: Any) -> Any:
        return {} if given is None else given

    @model_validator(mode="after")
    def _look_around(self) -> Self:
        """Take from the environment what was not given; a missing key is told when it is needed."""
        if self.api_key is None:
            found = found_key(self.service)
            self.api_key = SecretStr(found) if found else None
        self.api_base = self.api_base or found_base_url(self.service)
        self.service.root(self.api_base)
        must_be_private(self.api_base, allow_http=self.allow_http)
        return self

    # --- what is asked for ---

    def _parameters(self) -> dict[str, Any]:
        """The instance's parameters in the transport's words."""
        own = self.__dict__
        told = {
            word: value
            for word, name in self._words()
            if (value := own[name] if name in own else getattr(self, name)) is not None
        }
        return _with_extras(told, self.additional_kwargs)

    @classmethod
    @functools.cache
    def _words(cls) -> list[tuple[str, str]]:
        """What the transport calls each field that says something about a request."""
        return [(RENAMED.get(name, name), name) for name in (*cls.common, *cls.documented)]

    def _service_of(self, given: Mapping[str, Any]) -> Service:
        """The service that the parameters mean."""
        if not given.get("model"):
            raise ValueError(f"{self.service.title} needs a model: pass model=....")
        return self.service

    def _given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The instance's parameters with a call's over them."""
        call = {RENAMED.get(name, name): value for name, value in options.items()}
        headers = dict(self.default_headers or {})
        for name in HEADERS:
            headers.update(call.pop(name, None) or {})
        call = _with_extras(call, call.pop("additional_kwargs", None) or {})
        own = self._parameters()
        if own.get("extra_body") and call.get("extra_body"):
            call["extra_body"] = {**own["extra_body"], **call["extra_body"]}
        given = merged(own, call)
        key = given.get("api_key")
        if isinstance(key, SecretStr):
            given["api_key"] = Secret(key.get_secret_value())
        return given | {"headers": hidden(headers)}

    def _client(self, what: Asked | Question) -> Client:
        return self._get_recall().asker(transport.Client, what.service, what.settings)

    def _async_client(self, what: Asked | Question) -> AsyncClient:
        return self._get_recall().asker(transport.AsyncClient, what.service, what.settings)

    def _get_connections(self) -> Connections:
        return self._get_recall().connections

    def _get_recall(self) -> Recall:
        recall = recall_of(self)
        if recall is None:
            recall = Recall(transport.Connections(self.http_client, self.async_http_client))
            self._recall = recall
        return recall

    def _settings_of(self, service: Service, given: Mapping[str, Any]) -> Settings:
        return self._get_recall().settings(service, given)

    def _label(self) -> str:
        """What the model is called."""
        return getattr(self, "model", None) or ""

    # --- the service's models ---

    def list_models(self, listing: str | None = None, **filters: Any) -> list[ModelCard]:
        """Ask which models the service offers, to the last page.

        Args:
            listing: Which of its lists: Orq has `catalogue` and `models`, Atoma `models` and
                `open_router`; the first one if not given.
            **filters: What the list can be narrowed by, such as Orq's `provider`.
        """
        return transport.Client(*self._known()).list_models(listing, **filters)

    async def alist_models(self, listing: str | None = None, **filters: Any) -> list[ModelCard]:
        """Ask which models the service offers; see `list_models`."""
        return await transport.AsyncClient(*self._known()).list_models(listing, **filters)

    def _known(self) -> tuple[Service, Settings, Connections]:
        settings = self._settings_of(self.service, self._given({}))
        return self.service, settings, self._get_connections()

    # --- copies ---

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in OWN_CLIENTS:
            self._recall = None

    def __copy__(self) -> Self:
        copy = super().__copy__()
        copy._recall = None
        return copy

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for name in (
            *OWN_CLIENTS,
            "callback_manager",
            "rate_limiter",
            "embeddings_cache",
            "_recall",
        ):
            shared = getattr(self, name, None)
            memo[id(shared)] = shared  # live things: a copy of them would be another thing
        copy = super().__deepcopy__(memo)
        copy._recall = None
        return copy

    def __getstate__(self) -> dict[Any, Any]:
        alone = self.__copy__()  # LlamaIndex deletes from what it is given
        for name in OWN_CLIENTS:
            setattr(alone, name, None)
        return super(ServiceComponent, alone).__getstate__()

    def close(self) -> None:
        """Let go of the connections, unless they are your own client's."""
        self._get_connections().close()

    async def aclose(self) -> None:
        """Let go of the connections, also those of the running event loop."""
        await self._get_connections().aclose()


def _with_extras(parameters: dict[str, Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters and what was added by hand, which is checked where it is a known word."""
    if not extras:
        return parameters
    known, unknown = sorted_out(extras)
    parameters = {**parameters, **known}
    if unknown:
        parameters["extra_body"] = {**unknown, **(parameters.get("extra_body") or {})}
    return parameters
