"""What all models of our services share: whom to ask, with which key, over which connections."""

from __future__ import annotations

import difflib
import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import Self

import emissary_transport as transport
from emissary_transport.inquiry import ModelCard
from emissary_transport.parameters import Asked, merged, sorted_out
from emissary_transport.question import Question
from emissary_transport.recalling import Recall, recall_of
from emissary_transport.secrecy import Secret, hidden
from emissary_transport.service import Service
from emissary_transport.settings import (
    Settings,
    found_base_url,
    found_key,
    missing_key,
    must_be_private,
)
from langchain_emissary.errors import langchain_errors

if TYPE_CHECKING:
    from emissary_transport import AsyncClient, Client, Connections

RENAMED = {
    "model_name": "model",
    "stop_sequences": "stop",
    "request_timeout": "timeout",
    "stream_usage": "usage",
    "default_headers": "headers",
    "extra_headers": "headers",
    "router_cache": "cache",
    "metadata": "router_metadata",
}
"""Names that LangChain's users know, and what the transport calls them."""

CONNECTION = (
    "model",
    "timeout",
    "stall_timeout",
    "max_retries",
    "retry_timeouts",
    "allow_http",
    "api_key",
    "base_url",
    "default_headers",
    "extra_body",
)
"""Fields that say something about a request of any kind."""

NOT_SENT = frozenset({"stream", "streaming", "ls_structured_output_format"})
UNTRACED = frozenset({"api_key", "headers", "default_headers", "extra_headers"})


def _sorted_out(model_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a user added by hand, those that no service documents together."""
    known, unknown = sorted_out(model_kwargs)
    own = {RENAMED.get(name, name): value for name, value in known.items()}
    return own | ({"model_kwargs": unknown} if unknown else {})


def _told_of(cls: type[BaseModel], unknown: Iterable[object]) -> str:
    """A warning about arguments that are no fields, with the fields that may be meant."""
    told = []
    for name in sorted(map(str, unknown)):
        close = difflib.get_close_matches(name, cls.model_fields, 1)
        told.append(f"`{name}`" + (f" (did you mean `{close[0]}`?)" if close else ""))
    return (
        f"{cls.__name__} has no field {', '.join(told)}. It is sent as it is; to say that this is "
        "intended, give it in `model_kwargs` or `extra_body`."
    )


class ServiceModel(BaseModel):
    """A model of one of our services, whatever it does.

    Every field can be given with a call too, where it wins over the instance's; None there unsets
    it.
    """

    model_config = ConfigDict(
        populate_by_name=True,
        protected_namespaces=(),
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        defer_build=True,  # until the first model is made: most programs use one class of many
    )

    service: ClassVar[Service]
    documented: ClassVar[tuple[str, ...]]
    """Fields for what only some services document."""
    common: ClassVar[tuple[str, ...]] = CONNECTION
    """Fields that every service has."""

    model: str | None = None
    """What to ask; also `model_name`."""
    timeout: Any = None
    """Seconds between bytes, a tuple (connect, read, write, pool), an `httpx.Timeout`, or None for
    10 s to connect and 600 s between bytes; also `request_timeout`."""
    stall_timeout: float | None = None
    """Seconds between two events of an answer, whatever keep-alive comments come; None means the
    read timeout."""
    max_retries: int = 2
    """How many more times to try where nothing came or the service asks to try again."""
    retry_timeouts: bool = False
    """Also send again what was not answered in time, although it may be billed twice."""
    api_key: SecretStr | None = None
    """The key; from the environment if not given."""
    base_url: str | None = None
    """Root of the service, with or without its version part; from the environment if not given."""
    allow_http: bool = False
    """Send the key also over plain HTTP to another machine, on a network that you trust."""
    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Further headers of every request; they may hold secrets and are never serialised."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """An `httpx.Client` of your own, for proxies, certificates or limits."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """The same for async calls: an `httpx.AsyncClient`."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
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
    def _accept_other_names(cls, values: Any) -> Any:
        """Take the names that users know, and move fields that are none to `model_kwargs`."""
        if not isinstance(values, dict):
            return values
        names = {
            "model_name": "model",
            "stop_sequences": "stop",
            "request_timeout": "timeout",
            "extra_headers": "default_headers",
            f"{cls.service.name}_api_key": "api_key",
            f"{cls.service.name}_api_base": "base_url",
            f"{cls.service.name}_base_url": "base_url",
        }
        known = {names.get(name, name): value for name, value in values.items()}
        unknown = {name: known.pop(name) for name in [*known] if name not in cls.model_fields}
        if unknown:
            warnings.warn(_told_of(cls, unknown), stacklevel=5)
            known["model_kwargs"] = {**(known.get("model_kwargs") or {}), **unknown}
        return known

    @model_validator(mode="after")
    def _find_key_and_address(self) -> Self:
        if self.api_key is None:
            found = found_key(self.service)
            if found is None:
                raise missing_key(self.service)
            self.api_key = SecretStr(found)
        self.service.key_headers(self.api_key.get_secret_value())
        self.base_url = self.base_url or found_base_url(self.service)
        self.service.root(self.base_url)
        must_be_private(self.base_url, allow_http=self.allow_http)
        self._get_connections()
        return self

    # --- what is asked for ---

    def _parameters(self) -> dict[str, Any]:
        """The instance's parameters in the transport's words."""
        words, values_of = self._words()
        values = zip(words, values_of(self.__dict__), strict=True)
        told = {word: value for word, value in values if value is not None}
        return told | _sorted_out(self.model_kwargs) if self.model_kwargs else told

    @classmethod
    @functools.cache
    def _words(cls) -> tuple[list[str], Callable[[dict[str, Any]], tuple[Any, ...]]]:
        """What the transport calls the fields that say something about a request; their values."""
        names = (*cls.common, *cls.documented)
        return [RENAMED.get(name, name) for name in names], itemgetter(*names)

    def _service_of(self, given: Mapping[str, Any]) -> Service:
        """The service that the parameters mean."""
        if not given.get("model"):
            raise ValueError(f"{self.service.title} needs a model: pass model=....")
        return self.service

    def _given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The instance's parameters with a call's over them, in the transport's words."""
        own = self._parameters()
        call = {
            RENAMED.get(name, name): value
            for name, value in options.items()
            if name not in NOT_SENT
        }
        for name in ("headers", "extra_body", "model_kwargs"):
            if call.get(name) and not isinstance(call[name], Mapping):
                raise ValueError(f"{name} must be a mapping, not {type(call[name]).__name__}.")
        if more := call.pop("model_kwargs", None):
            call |= _sorted_out(more)
        given = merged(own, call)
        bodies = own.get("model_kwargs"), given.pop("model_kwargs", None), given.get("extra_body")
        given["extra_body"] = {name: body[name] for body in bodies if body for name in body}
        headers = {**(self.default_headers or {}), **(call.get("headers") or {})}
        given["headers"] = hidden(headers) if headers else headers
        if isinstance(given.get("api_key"), SecretStr):
            given["api_key"] = Secret(given["api_key"].get_secret_value())
        for name in ("api_key", "model"):
            if not isinstance(given.get(name, ""), str):
                raise ValueError(f"{name} must be a string, not {type(given[name]).__name__}.")
        return given

    def _get_connections(self) -> Connections:
        return self._get_recall().connections

    def _client(self, what: Asked | Question) -> Client:
        return self._get_recall().asker(transport.Client, what.service, what.settings)

    def _async_client(self, what: Asked | Question) -> AsyncClient:
        return self._get_recall().asker(transport.AsyncClient, what.service, what.settings)

    def _get_recall(self) -> Recall:
        recall = recall_of(self)
        if recall is None:
            recall = Recall(transport.Connections(self.http_client, self.http_async_client))
            self._recall = recall
        return recall

    def _settings_of(self, service: Service, given: Mapping[str, Any]) -> Settings:
        return self._get_recall().settings(service, given)

    def _label(self, given: Mapping[str, Any]) -> str:
        """What the model is called where the answer does not say."""
        return str(given.get("model") or self.model or "")

    # --- the service's models ---

    def list_models(self, listing: str | None = None, **filters: Any) -> list[ModelCard]:
        """Ask which models the service offers, to the last page.

        Args:
            listing: Which of its lists: Orq has `catalogue` and `models`, Atoma `models` and
                `open_router`; the first one if not given.
            **filters: What the list can be narrowed by, such as Orq's `provider`.
        """
        with langchain_errors():
            return transport.Client(*self._known()).list_models(listing, **filters)

    async def alist_models(self, listing: str | None = None, **filters: Any) -> list[ModelCard]:
        """Ask which models the service offers; see `list_models`."""
        with langchain_errors():
            return await transport.AsyncClient(*self._known()).list_models(listing, **filters)

    def _known(self) -> tuple[Service, Settings, Connections]:
        settings = self._settings_of(self.service, self._given({}))
        return self.service, settings, self._get_connections()

    @property
    def model_name(self) -> str | None:
        """What to ask; the same as `model`."""
        return self.model

    # --- connections ---

    def close(self) -> None:
        """Close the connections, unless other models use them or the client is your own.

        A later call opens new ones.
        """
        self._get_connections().close()

    async def aclose(self) -> None:
        """Close the running event loop's connections too; see `close`."""
        await self._get_connections().aclose()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for client in (self.http_client, self.http_async_client):
            memo[id(client)] = client  # a client is shared, not copied
        return super().__deepcopy__(memo)
