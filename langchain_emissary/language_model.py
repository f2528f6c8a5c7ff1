"""What chat models and text completion models share: how they sample, and what tells them apart."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Literal

from langchain_core.language_models.base import LangSmithParams
from langchain_core.runnables import RunnableSerializable

from emissary_transport.parameters import merged
from langchain_emissary.service_model import CONNECTION, RENAMED, ServiceModel

LIMIT_NAMES = ("max_new_tokens", "max_completion_tokens", "max_tokens")
_TRACED = (*LIMIT_NAMES, "temperature", "stop")


class ServiceLanguageModel(ServiceModel, RunnableSerializable):  # type: ignore[type-arg]
    """A model of one of our services that writes text."""

    common: ClassVar[tuple[str, ...]] = (*CONNECTION, "max_tokens", "stop", "stream_usage")
    kind: ClassVar[Literal["chat", "llm"]]
    """What LangSmith calls its kind."""

    temperature: float | None = None
    """Sampling temperature."""
    max_tokens: int | None = None
    """Most tokens to answer with, whatever the service calls that."""
    top_p: float | None = None
    """Nucleus sampling: the probability mass to choose from."""
    stop: list[str] | str | None = None
    """Sequences to stop at; also `stop_sequences`. Cut on the client where the service can't."""
    seed: int | None = None
    """For answers that repeat as far as the service can."""
    streaming: bool | None = None
    """Stream even when invoked, for callbacks that want each token; False never streams."""
    stream_usage: bool = True
    """Ask for token usage in streams."""

    # --- what LangChain wants to know ---

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What makes two models answer differently: no key, no headers, no clients."""
        told = {"model_name": self._label({}), **self._parameters()}
        for name in ("api_key", "headers"):
            told.pop(name, None)
        return told

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        if kwargs or self.model_kwargs:
            call = {RENAMED.get(name, name): value for name, value in kwargs.items()}
            given = merged(self._parameters(), call)
        else:
            given = {name: self.__dict__.get(name) for name in _TRACED}
        params = LangSmithParams(
            ls_provider=self.service.name,
            ls_model_name=self._label(given),
            ls_model_type=self.kind,
        )
        if isinstance(given.get("temperature"), (int, float)):
            params["ls_temperature"] = given["temperature"]
        limit = next((given[name] for name in LIMIT_NAMES if given.get(name) is not None), None)
        if isinstance(limit, int):
            params["ls_max_tokens"] = limit
        stops = stop or given.get("stop")
        if stops:
            params["ls_stop"] = list(stops) if isinstance(stops, (list, tuple)) else [stops]
        return params

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        combined: dict[str, Any] = {}
        usage: dict[str, int] = {}
        for output in filter(None, llm_outputs):
            for name, count in (output.get("token_usage") or {}).items():
                usage[name] = usage.get(name, 0) + count
            combined |= {name: told for name, told in output.items() if name != "token_usage"}
        return combined | ({"token_usage": usage} if usage else {})

    def get_num_tokens(self, text: str) -> int:
        """About how many tokens a text has: a quarter of its characters, with no download."""
        return -(-len(text) // 4)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Models can be serialised; secrets are replaced by the name of their variable."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Which fields are secret, and the variable that holds each."""
        return {"api_key": self.service.key_env[0]}

    def to_json(self) -> Any:
        """The model as LangChain serialises it, which looks long at each field that is not set.

        It is asked for in a model's first call, a fifth of which it would take.
        """
        if not type(self).__module__.startswith("langchain_emissary."):
            return super().to_json()  # a subclass may have any fields, secrets and facts
        own = self.__dict__
        told = {
            name: own[name]
            for name, default in self._told_fields()
            if name in own and (own[name] or own[name] != default)
        }
        for name, variable in self.lc_secrets.items():
            if name in told:
                told[name] = {"lc": 1, "type": "secret", "id": [variable]}
        return {
            "lc": 1,
            "type": "constructor",
            "id": self.lc_id(),
            "kwargs": told,
            "name": self.get_name(),
        }

    @classmethod
    @functools.cache
    def _told_fields(cls) -> list[tuple[str, Any]]:
        """The fields that a serialised model tells, with the values that go without saying."""
        empty: dict[object, Any] = {dict: {}, list: []}
        return [
            (name, empty.get(field.default_factory) if field.default_factory else field.default)
            for name, field in cls.model_fields.items()
            if not field.exclude
        ]
