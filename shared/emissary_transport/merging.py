"""Which call a streamed piece of a tool call belongs to.

One rule for every service: by `index`, else by `id`, else the last call. A piece opens a new call
when it brings an id that was not seen under its index, or, where there are no ids, a name while
the call at hand already has another name or whole arguments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from pydantic_core import from_json

from emissary_transport.content import whole_number
from emissary_transport.types import ToolFragment

_CONTINUING = frozenset({"index", "type", "function"})


def new_call_id() -> str:
    """An id for a call to which the service gave none."""
    return f"call_{uuid4().hex[:24]}"


def argument_text(arguments: Any) -> str:
    """Arguments as JSON text, whether they came as text, as an object or not at all."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def _word(value: Any) -> str:
    """An id or a name as text; one that is null or empty is none."""
    return value if isinstance(value, str) else "" if value is None else str(value)


@dataclass(slots=True)
class _Open:
    """A call that pieces are still coming for."""

    index: int
    id: str | None
    name: str
    pieces: list[str] = field(default_factory=list)
    named_again: bool = False
    """Its name came once more after it was whole: another call, if arguments follow."""

    def is_whole(self) -> bool:
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return False
        self.pieces = ["".join(self.pieces)]
        try:
            from_json(self.pieces[0])
        except ValueError:
            return False
        return True


class ToolMerger:
    """The tool calls of one answer, as their pieces come in."""

    def __init__(self) -> None:
        self._by_index: dict[int, _Open] = {}
        self._by_id: dict[str, _Open] = {}
        self._calls: list[_Open] = []

    def fragments(self, pieces: Sequence[Mapping[str, Any]]) -> list[ToolFragment]:
        """Assign the pieces of one event to their calls; what adds nothing is left out."""
        several = len(pieces) > 1
        if len(pieces) == 1 and (continued := self._continued(pieces[0])):
            return [continued]
        found = (
            self._fragment(piece, position if several else None)
            for position, piece in enumerate(pieces)
            if isinstance(piece, Mapping)
        )
        return [fragment for fragment in found if fragment is not None]

    def _continued(self, piece: Any) -> ToolFragment | None:
        """The fragment, if all that the piece brings is more arguments for an index: mostly."""
        try:
            function = piece["function"]
            arguments = function["arguments"]
            call = self._by_index[piece["index"]]
        except (KeyError, TypeError):
            return None
        is_more = arguments.__class__ is str and arguments and call.pieces and not call.named_again
        if not is_more or len(function) > 1 or not _CONTINUING.issuperset(piece):
            return None
        call.pieces.append(arguments)
        return ToolFragment(call.index, None, None, arguments)

    def _fragment(self, piece: Mapping[str, Any], position: int | None) -> ToolFragment | None:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        index, call_id = whole_number(piece.get("index")), _word(piece.get("id")) or None
        name = _word(function.get("name"))
        arguments = argument_text(function.get("arguments"))
        call = self._find(index, call_id, name, arguments, position)
        opened = call is None
        if call is None:
            call = self._open(call_id, name)
        fresh_name = call.name if opened else _name_piece(call, call_id, name)
        self._remember(call, index, call_id)
        if arguments == "null" and not call.pieces:  # no arguments, as some engines say it
            arguments = ""
        if arguments:
            call.pieces.append(arguments)
        signature = piece.get("thought_signature")
        if not (opened or fresh_name or arguments or signature):
            return None
        shown_id = (call_id or new_call_id()) if opened else None
        return ToolFragment(call.index, shown_id, fresh_name or None, arguments, signature)

    def _find(
        self,
        index: int | None,
        call_id: str | None,
        name: str,
        arguments: str,
        position: int | None,
    ) -> _Open | None:
        """The call that a piece belongs to, or None where it opens one."""
        last = self._calls[-1] if self._calls else None
        by_id = self._by_id.get(call_id) if call_id else None
        if index is not None and index in self._by_index:
            call = self._by_index[index]
            if call_id and call.id and call.id != call_id:  # an index used again
                return by_id or (None if name else call)
            names_come_in_pieces = not call_id and not call.pieces
            return _unless_new(call, call_id, name, arguments, names_come_in_pieces)
        if call_id:
            late_id = last is not None and last.id is None and not name
            return by_id or (last if late_id else None)
        if index is not None:
            return None if name else last
        if position is not None:
            last = self._calls[position] if position < len(self._calls) else None
        return _unless_new(last, None, name, arguments)

    def _open(self, call_id: str | None, name: str) -> _Open:
        last = self._calls[-1] if self._calls else None
        if not name and last and last.named_again:
            name = last.name
        call = _Open(len(self._calls), call_id, name)
        self._calls.append(call)
        return call

    def _remember(self, call: _Open, index: int | None, call_id: str | None) -> None:
        if index is not None:
            self._by_index[index] = call
        if call_id:
            self._by_id[call_id] = call
            call.id = call.id or call_id


def _unless_new(
    call: _Open | None, call_id: str | None, name: str, arguments: str, in_pieces: bool = False
) -> _Open | None:
    """The call, unless this piece starts another one in its place."""
    if call is None or (call_id and call.id == call_id):
        return call
    if not name:
        return None if call.named_again and arguments.strip() else call
    if name != call.name:
        return call if in_pieces or not call.name else None
    call.named_again = call.is_whole()
    return None if call.named_again and arguments.strip() else call


def _name_piece(call: _Open, call_id: str | None, name: str) -> str:
    """What a piece adds to the name of its call; a name that is only repeated adds nothing."""
    if not name or name == call.name or call.pieces or (call_id and call.name):
        return ""
    call.name += name
    return name
