"""What the properties share: bytes that look like answers, cut anywhere, and how they are read."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from emissary_transport import ATOMA, EMISSARY, EMISSARY_DEPLOYMENT, ORQ
from emissary_transport.assembly import assembled
from emissary_transport.errors import ServiceError
from emissary_transport.reading import Reader

steady = settings(derandomize=True, max_examples=200, deadline=None)
"""The same examples every time, so that a red build is red for everyone."""

SERVICES = st.sampled_from([ORQ, ATOMA, EMISSARY, EMISSARY_DEPLOYMENT])
CONTENT_TYPES = st.sampled_from(
    ["text/event-stream", "application/json", "application/x-ndjson", "text/plain", "", "x/y"]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
TEXTS = st.text(alphabet="ab \n.<>[]{}`'\",:;é🌊\r\u2028\x00\\", max_size=12)


@st.composite
def cut(draw: st.DrawFn, body: bytes) -> list[bytes]:
    """A body cut at some places, maybe at the same one twice."""
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=12)))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


def result(pieces: list[bytes], make: Any) -> tuple[str, Any]:
    """What reading comes to: a reply or an error, and the text that came before it."""
    deltas: list[Any] = []
    text = ""
    try:
        reader: Reader = make()
        for piece in pieces:
            deltas.extend(reader.feed(piece))
            if reader.done:
                break
        deltas.extend(reader.close())
        reply = assembled(deltas)
    except ServiceError as error:
        text = "".join(delta.text for delta in deltas)
        return f"{type(error).__name__}: {error}", text
    told = [
        (choice.text, _calls(choice), choice.finish_reason, choice.reasoning, choice.refusal)
        for choice in reply.choices
    ]
    return "reply", (told, reply.usage)


def _calls(choice: Any) -> list[Any]:
    """The tool calls without the ids that are made up here, which are new each time."""
    return [
        (call.id if not call.id.startswith("call_") else "", call.name, call.arguments)
        for call in choice.tool_calls
    ]
