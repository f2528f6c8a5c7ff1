"""Tool calling and structured output by prompt, for models that have no fields for them.

`prompted_call` tells the model; `PromptedTools` and `PromptedJson` read what it answers.
"""

from emissary_transport.prompted.instructions import (
    asked_again,
    prompted_call,
    with_instructions,
)
from emissary_transport.prompted.json_answer import PromptedJson
from emissary_transport.prompted.tools import PromptedTools

__all__ = ["PromptedJson", "PromptedTools", "asked_again", "prompted_call", "with_instructions"]
