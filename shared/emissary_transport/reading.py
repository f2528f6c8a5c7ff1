"""An answer's bytes in, deltas out: whichever service sent it, streamed or whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from emissary_transport.content import GrowingText, json_value, object_of, text_of, whole_number
from emissary_transport.cutting import StopCutter
from emissary_transport.errors import BadAnswer, BrokenAnswer, ServiceError
from emissary_transport.merging import ToolMerger
from emissary_transport.recognising import Recogniser
from emissary_transport.refusals import failure, parsed
from emissary_transport.service import Service
from emissary_transport.sse import (
    ErrorData,
    EventSplitter,
    LineSplitter,
    Splitter,
    TextPieces,
    WholeBody,
)
from emissary_transport.types import Delta, Json, Usage
from emissary_transport.usage import total_usage, usage_of

_LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/jsonlines"})
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_ANSWER_KEYS = frozenset({"choices", "usage", "response"})
_ENVELOPE_KEYS = _ANSWER_KEYS | {"id", "object", "error", "message"}
"""What a chunk of an answer has one of; JSON without them is what a model says."""
_HALF_ENVELOPE = re.compile(rb'\{\s*"(%s)"' % "|".join(_ENVELOPE_KEYS).encode())
_CHOICE_KEYS = frozenset(
    {"index", "delta", "message", "text", "finish_reason", "logprobs", "refusal"}
)


class Filter(Protocol):
    """Deltas in, deltas out: what a service can't do and is done here."""

    @property
    def missing(self) -> bool:
        """Whether the answer lacks what was required of it, so that it is no answer."""
        ...

    def feed(self, delta: Delta) -> list[Delta]:
        """Give what this delta makes certain."""
        ...

    def close(self) -> list[Delta]:
        """Give what was held back."""
        ...


@dataclass(slots=True)
class _ChoiceState:
    """What has to be remembered about one choice while its deltas come."""

    tools: ToolMerger | None = None
    cutter: StopCutter | None = None
    finished: bool = False


class Reader:
    """One answer being read: feed it the body as it comes, then close it.

    What comes before a fault is out before the fault is raised.

    Attributes:
        done: The answer is complete, or cut short on purpose; what follows need not be read.
        marked: What comes last was seen, after which a body ends by itself.
        ended: A finish reason or an end marker was seen.
        events: How many events have been read.
        whole: The body turned out to be no stream.
        usage: Tokens that this answer took, as far as the service has told.
    """

    def __init__(
        self,
        service: Service,
        content_type: str = "",
        *,
        streamed: bool = False,
        stop: Sequence[str] = (),
        filters: Sequence[Filter] = (),
        stream_mode: str = "auto",
        choices: int = 1,
        spent: Usage | None = None,
    ) -> None:
        self.done = self.marked = self.ended = self.whole = False
        self.events = 0
        self.usage: Usage | None = None
        self._service = service
        main = content_type.partition(";")[0].strip().lower()
        self._plain = main == "text/plain" and service.loose_streams
        self._splitter = self._splitter_for(main, streamed)
        self._is_announced = not isinstance(self._splitter, LineSplitter)
        self._stop = tuple(stop)
        self._choices = choices
        self._filters = tuple(filters)
        self._states: defaultdict[int, _ChoiceState] = defaultdict(_ChoiceState)
        self._texts = GrowingText(stream_mode) if service.loose_streams else None
        self._said_usage = self._said_metadata = False
        self._spent = spent
        self._first: Json = {}
        self._last = self._usage_event = self._first
        self._strict = self._promised = not service.loose_streams

    def _splitter_for(self, main: str, streamed: bool) -> Splitter:
        """The splitter for a content type, which counts more than what was asked for."""
        if main in _PAGES:
            raise BadAnswer(
                f"{self._service.title} answered with a page ({main}), not with an answer. "
                "Check the base URL.",
                service=self._service.name,
            )
        if main == "text/event-stream":
            return EventSplitter()
        if main in _LINES:
            return LineSplitter()
        if main.endswith("json") or not streamed:
            return WholeBody()
        return TextPieces() if self._plain else EventSplitter()

    def feed(self, chunk: bytes | None) -> Iterable[Delta]:
        """Give the deltas that this piece of the body completes; None stands for its end.

        Raises:
            ServiceError: The service reports an error, or what it says can't be read; raised by the
                call, or by the iterator after the deltas before it.
        """
        if self._filters or self._stop:
            return self._held(chunk)
        events = self._split(chunk)
        return self._deltas(events[0]) if len(events) == 1 else self._each(events)

    def _each(self, events: Iterable[bytes]) -> Iterator[Delta]:
        for data in events:
            yield from self._deltas(data)
            if self.done:
                return

    def _held(self, chunk: bytes | None) -> Iterator[Delta]:
        """The same where something is held back, which comes before a fault."""
        try:
            for delta in self._each(self._split(chunk)):
                yield from _through(self._filters, [delta])
        except ServiceError:
            yield from self.rest()
            raise

    def close(self) -> Iterator[Delta]:
        """Give what was held back and what stands for the answer as a whole.

        Raises:
            BrokenAnswer: The answer ended before its end.
            ServiceError: What was left reports an error or can't be read.
        """
        if not self.done:
            yield from self.feed(None)
        yield from self.rest()
        if not self.events:
            raise self.broken("The answer is empty")
        if not (self.whole or self.ended or not self._promised):
            raise self.broken("The answer ended without a finish reason or end marker")
        if self._said_usage and self._said_metadata:
            return
        closing = self._closing()
        if closing.says_something() and not any(part.missing for part in self._filters):
            yield closing

    def rest(self) -> Iterator[Delta]:
        """Give what was held back."""
        if not (self._stop or self._filters):
            return
        yield from _through(self._filters, self._held_back())
        for number, part in enumerate(self._filters):
            yield from _through(self._filters[number + 1 :], part.close())

    def broken(self, what: str, cls: type[BrokenAnswer] = BrokenAnswer) -> BrokenAnswer:
        """The error for an answer that broke off, saying how far it had come."""
        came = f" after {self.events} events" if self.events else ""
        return cls(
            f"{self._service.title}: {what}{came}. {cls.advice}",
            service=self._service.name,
            request_id=text_of(self._last.get("id")) or None,
        )

    def _split(self, chunk: bytes | None) -> list[bytes]:
        if self._is_announced:
            self._recognise(chunk)
        splitter = self._splitter
        try:
            events = splitter.close() if chunk is None else splitter.feed(chunk)
        except BadAnswer as error:
            error.service = self._service.name
            raise
        if splitter.__class__ is Recogniser and splitter.is_settled:
            self._splitter = splitter.splitter
            self.whole = isinstance(self._splitter, WholeBody)
            self._plain &= not isinstance(self._splitter, EventSplitter)
        return events

    def _recognise(self, chunk: bytes | None) -> None:
        """Take the body for what was announced if it begins so, else find out what it is."""
        self._is_announced = False
        if isinstance(self._splitter, WholeBody) and chunk and chunk[0] == ord("{"):
            self.whole = True
        else:
            self._splitter = Recogniser(self._splitter, is_text=self._plain)

    def _deltas(self, data: bytes) -> Iterable[Delta]:
        """The deltas of one event: one for each choice that it adds something to."""
        if self._plain and not self.whole:
            self.events += 1
            return self._spoken(data.decode())
        if data[:6] == b"[DONE]":
            self.done = self.marked = self.ended = True
            return ()
        self.events += 1
        value = json_value(data)
        if data.__class__ is ErrorData:
            raise failure(self._service, value if isinstance(value, dict) else parsed(data))
        speaks = not self._strict and not self.whole
        if value.__class__ is dict and (not speaks or not _ENVELOPE_KEYS.isdisjoint(value)):
            return self._answer(value)
        if (speaks or self._plain) and not _HALF_ENVELOPE.match(data):
            return self._spoken(
                value if isinstance(value, str) else data.decode("utf-8", "replace")
            )
        kind = "no JSON" if value is data else "not a JSON object"
        raise BadAnswer(
            f"{self._service.title} sent an answer that is {kind}.",
            service=self._service.name,
            body=parsed(data[:2_000]),
        )

    def _answer(self, value: Json) -> Iterable[Delta]:
        choices = value.get("choices")
        if value.get("error") or (not choices and _is_message_only(value)):
            raise failure(self._service, value, self.events - 1)
        if not self._first:
            self._first = value
        self._last = value
        if value.get("usage") and (usage := usage_of(value["usage"])):
            self.usage, self._usage_event = usage, value
        if choices and choices.__class__ is list and choices[0].__class__ is dict:
            if len(choices) == 1:
                delta = self._choice(value, choices[0])
                if self.whole and delta.finish_reason and not (delta.index or self._filters):
                    # Nothing else will come.
                    delta.usage, self._said_usage = self._whole_usage(), True
                return (delta,) if delta.text or delta.says_something() else ()
            deltas = [self._choice(value, each) for each in choices if each.__class__ is dict]
            return filter(Delta.says_something, deltas)
        if choices == [] and self.ended and self.usage and not self.whole:
            # The last that comes, though the connection may be held open after it.
            self.done = self.marked = True
        response = value.get("response")
        if self._texts and isinstance(response, str):
            return self._spoken(self._texts.added(response), value)
        if self.whole:
            raise BadAnswer(
                f"{self._service.title} sent an answer without any choice or text.",
                service=self._service.name,
                body=value,
            )
        return ()

    def _spoken(self, text: str, value: Any = None) -> Iterable[Delta]:
        """Text that came without a choice around it."""
        delta = Delta(text=text, raw=text if value is None else value)
        if self._stop:
            self._cut(delta)
        return (delta,) if delta.says_something() else ()

    def _choice(self, value: Json, choice: Json) -> Delta:
        if choice.get("error"):
            raise failure(self._service, choice, self.events - 1)
        index = choice.get("index")
        if index.__class__ is not int:
            index = whole_number(index) or 0
        said = choice.get("delta") or choice.get("message")
        if not isinstance(said, dict):
            said = choice
        text = said.get("content")
        if text.__class__ is not str:
            text = text_of(choice.get("text") if said is choice else text)
        delta = Delta(text, index=index, raw=value)
        if len(said) > 1 or "content" not in said:
            self._read_rarities(delta, said)
        if choice.get("logprobs"):
            delta.logprobs = object_of(choice["logprobs"])
        if choice.get("refusal") and not delta.refusal:
            delta.refusal = text_of(choice["refusal"])
        if self._stop:
            self._cut(delta)
        finish_reason = choice.get("finish_reason")
        if finish_reason:
            self._finish(delta, str(finish_reason), value, choice)
        elif "finish_reason" in choice:
            self._promised = True
        return delta

    def _read_rarities(self, delta: Delta, said: Json) -> None:
        if reasoning := said.get("reasoning_content") or said.get("reasoning"):
            delta.reasoning = text_of(reasoning)
        pieces = said.get("tool_calls")
        if not pieces and said.get("function_call"):
            pieces = [{"function": said["function_call"]}]
        if pieces and isinstance(pieces, dict):
            pieces = [pieces]
        if pieces and isinstance(pieces, list):
            state = self._states[delta.index]
            if state.tools is None:
                state.tools = ToolMerger()
            delta.tool_fragments = state.tools.fragments(pieces)
            if len(said) == 1:  # nothing else came
                return
        for name in ("refusal", "reasoning_signature", "redacted_reasoning"):
            if said.get(name):
                setattr(delta, name, text_of(said[name]) or None)
        delta.audio = object_of(said.get("audio"))

    def _finish(self, delta: Delta, reason: str, value: Json, choice: Json) -> None:
        self.ended = True
        state = self._states[delta.index]
        if state.finished:
            return
        state.finished = True
        if state.cutter:
            delta.text += state.cutter.close()
            reason = "stop" if state.cutter.cut else reason
        delta.finish_reason = reason
        delta.metadata = self._metadata(value) | {
            name: told
            for name, told in choice.items()
            if name not in _CHOICE_KEYS and told is not None
        }

    def _cut(self, delta: Delta) -> None:
        """Cut the text at a stop sequence, and end the answer when every choice is cut."""
        state = self._states[delta.index]
        if state.cutter is None:
            state.cutter = StopCutter(self._stop)
        delta.text = state.cutter.feed(delta.text)
        if state.cutter.cut and not state.finished:
            self._finish(delta, "stop", self._last, {})
        cut = [each for each in self._states.values() if each.cutter and each.cutter.cut]
        if not self.whole and len(cut) == max(self._choices, len(self._states)):
            self.done = True

    def _held_back(self) -> Iterator[Delta]:
        """Text that might have become a stop sequence and did not."""
        for index, state in self._states.items():
            text = state.cutter.close() if state.cutter else ""
            if text:
                yield Delta(text, index=index, raw=self._last)

    def _closing(self) -> Delta:
        """What stands for the answer as a whole, told once."""
        delta = Delta(raw=self._last)
        if not self._said_usage:
            delta.usage = self._whole_usage()
        delta.raw = self._usage_event or delta.raw
        if not self._said_metadata and self._last:
            delta.metadata = self._metadata(self._last)
        return delta

    def _whole_usage(self) -> Usage | None:
        return self.usage if self._spent is None else total_usage(self._spent, self.usage)

    def _metadata(self, value: Json) -> Json:
        """What the event says of the answer as a whole, and the first event said before it."""
        self._said_metadata = True
        events = (value,) if value is self._first else (self._first, value)
        told = {
            name: fact
            for event in events
            for name, fact in event.items()
            if name not in _ANSWER_KEYS and fact is not None
        }
        if isinstance(told.get("created"), float):
            told["created"] = int(told["created"])
        return told


def _through(filters: Sequence[Filter], deltas: Iterable[Delta]) -> Iterable[Delta]:
    for part in filters:
        deltas = [passed for delta in deltas for passed in part.feed(delta)]
    return deltas


def _is_message_only(value: Json) -> bool:
    """Whether this is an error in the shape `{message, code?}` or `{detail}`."""
    told = value.get("message") or value.get("detail")
    return isinstance(told, str) and not _ANSWER_KEYS & value.keys()
