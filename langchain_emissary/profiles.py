"""What a service tells about a model, as LangChain's model profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.language_models.model_profile import ModelProfile

from emissary_transport.inquiry import ModelCard

_ABILITIES: Mapping[str, str] = {
    "structured_output": "structured_output",
    "structured_outputs": "structured_output",
    "json_schema": "structured_output",
    "reasoning": "reasoning_output",
}


def profile_of(card: ModelCard) -> ModelProfile:
    """The profile that a model's card amounts to; what the service does not tell is left out."""
    told: dict[str, Any] = {
        "max_input_tokens": card.context_window,
        "max_output_tokens": card.max_output_tokens,
    }
    if card.abilities is not None:
        told["tool_calling"] = "tool_calling" in card.abilities
        told |= {key: True for word, key in _ABILITIES.items() if word in card.abilities}
    for way, kinds in (("inputs", card.inputs), ("outputs", card.outputs)):
        if kinds is not None:
            told |= {f"{kind}_{way}": kind in kinds for kind in ("text", "image", "audio", "video")}
    known = ModelProfile.__annotations__
    profile = {key: value for key, value in told.items() if value is not None and key in known}
    return cast("ModelProfile", profile)
