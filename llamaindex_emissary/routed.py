"""What Orq's components share: fields for the router itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.bridge.pydantic import model_validator

from llamaindex_emissary.service_component import ServiceComponent

ROUTING = (
    "name",
    "fallbacks",
    "retry",
    "cache",
    "load_balancer",
    "orq",
    "router_timeout",
)


class Routed(ServiceComponent):
    """A component behind Orq's router."""

    name: str | None = None
    """The trace's name."""
    fallbacks: list[dict[str, Any]] | None = None
    """`[{"model": ...}]` to try in order."""
    retry: dict[str, Any] | None = None
    """`{"count": ..., "on_codes": [...]}`: retries by the router, beside `max_retries`."""
    cache: dict[str, Any] | None = None
    """`{"type": "exact_match", "ttl": seconds}`."""
    load_balancer: dict[str, Any] | None = None
    """`{"type": "weight_based", "models": [{"model": ..., "weight": ...}]}`."""
    orq: dict[str, Any] | None = None
    """The older carrier of the routing fields."""
    router_timeout: dict[str, Any] | None = None
    """Orq's `timeout`: `{"call_timeout": milliseconds}`."""

    @model_validator(mode="before")
    @classmethod
    def _take_router_timeout(cls, values: Any) -> Any:
        """Tell Orq's `timeout` from ours."""
        if isinstance(values, dict) and isinstance(values.get("timeout"), Mapping):
            values = dict(values)
            values.setdefault("router_timeout", values.pop("timeout"))
        return values
