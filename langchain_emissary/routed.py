"""What Orq's models share: fields for the router itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from langchain_emissary.service_model import ServiceModel

ROUTING = (
    "name",
    "fallbacks",
    "retry",
    "load_balancer",
    "orq",
    "router_cache",
    "router_timeout",
)


class Routed(ServiceModel):
    """A model behind Orq's router."""

    name: str | None = None
    """The trace's name."""
    fallbacks: list[dict[str, Any]] | None = None
    """`[{"model": ...}]` to try in order."""
    retry: dict[str, Any] | None = None
    """`{"count": ..., "on_codes": [...]}`: retries by the router, beside `max_retries`."""
    load_balancer: dict[str, Any] | None = None
    """`{"type": "weight_based", "models": [{"model": ..., "weight": ...}]}`."""
    orq: dict[str, Any] | None = None
    """The older carrier of the routing fields."""
    router_cache: dict[str, Any] | None = None
    """Orq's `cache`: `{"type": "exact_match", "ttl": seconds}`."""
    router_timeout: dict[str, Any] | None = None
    """Orq's `timeout`: `{"call_timeout": milliseconds}`."""

    @model_validator(mode="before")
    @classmethod
    def _take_router_fields(cls, values: Any) -> Any:
        """Tell Orq's `cache` and `timeout` from other fields of those names."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for name in ("cache", "timeout"):
            if isinstance(values.get(name), Mapping):
                values.setdefault(f"router_{name}", values.pop(name))
        return values
