"""A service's continuations of a prompt as LangChain's generations: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.outputs import Generation, GenerationChunk, LLMResult

from emissary_transport.types import Choice, Delta, Reply
from langchain_emissary.messages import token_usage


def generations_of(reply: Reply, model: str) -> list[Generation]:
    """A reply's choices; usage stands with the first."""
    generations = [_generation(choice, model) for choice in reply.choices]
    if reply.usage is not None:
        told = {**(generations[0].generation_info or {}), "token_usage": token_usage(reply.usage)}
        generations[0].generation_info = told
    return generations


def _generation(choice: Choice, model: str) -> Generation:
    told = {"finish_reason": choice.finish_reason, "logprobs": choice.logprobs}
    info = _metadata(choice.metadata, model) | {name: told[name] for name in told if told[name]}
    return Generation(text=choice.text, generation_info=info)


def _metadata(told: Any, model: str) -> dict[str, Any]:
    metadata = {name: value for name, value in told.items() if name != "model"}
    return metadata | {"model_name": told.get("model") or model}


def output_of(generations: Sequence[Generation]) -> dict[str, Any]:
    """What one prompt's generations tell about the answer as a whole."""
    info = generations[0].generation_info or {}
    names = ("model_name", "token_usage", "system_fingerprint")
    return {name: info[name] for name in names if name in info}


def result_of(each: Sequence[list[Generation]], output: dict[str, Any]) -> LLMResult:
    """The generations of all prompts, with what is told of them together."""
    return LLMResult(generations=list(each), llm_output=output)


def from_delta(delta: Delta, model: str) -> GenerationChunk:
    """What an event adds, as a chunk; each fact is told once, since chunks are added up."""
    info: dict[str, Any] = {}
    if delta.metadata is not None:
        info = _metadata(delta.metadata, model)
    if delta.finish_reason is not None:
        info["finish_reason"] = delta.finish_reason
    if delta.logprobs:
        info["logprobs"] = dict(delta.logprobs)
    if delta.usage is not None:
        info["token_usage"] = token_usage(delta.usage)
    return GenerationChunk(text=delta.text, generation_info=info or None)


def whole(chunks: Sequence[GenerationChunk]) -> Generation:
    """The generation that chunks add up to."""
    facts = GenerationChunk(text="")
    for chunk in chunks:
        if chunk.generation_info:
            facts += GenerationChunk(text="", generation_info=chunk.generation_info)
    return Generation(
        text="".join(chunk.text for chunk in chunks), generation_info=facts.generation_info
    )
