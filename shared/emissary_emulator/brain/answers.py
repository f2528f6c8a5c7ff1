"""Answers to questions, taken from the text that was given."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from emissary_emulator.brain.talk import Message
from emissary_emulator.brain.words import content_words, listed, sentences, split_words, word_set

#: What the model knows without being told.
ALMANAC = (
    "The Vltava flows through Prague.",
    "The Svratka flows through Brno.",
    "The capital of France is Paris.",
    "The capital of the Czech Republic is Prague.",
)

_REFINE = (
    re.compile(
        r"original query is as follows:\s*(?P<q>.*?)\s*"
        r"We have provided an existing answer:\s*(?P<a>.*?)\s*We have the opportunity.*?"
        r"\n-{4,}\n(?P<c>.*?)\n-{4,}",
        re.S,
    ),
    re.compile(
        r"New Context:\s*(?P<c>.*?)\s*Query:\s*(?P<q>.*?)\s*Original Answer:\s*(?P<a>.*?)"
        r"\s*New Answer:",
        re.S,
    ),
)
_EXISTING = re.compile(r"Existing Answer:\s*(?P<a>.*?)\s*(?:\n-{4,}|\n\s*Instruction:|\Z)", re.S)
_STANDALONE = re.compile(
    r"follow[ -]?up (?:input|message|question)[>:]\s*(?P<q>.*?)\s*<?standalone question",
    re.S | re.I,
)
_QUESTION = re.compile(r"^[ \t]*(?:user )?(?:query|question)[ \t]*:[ \t]*(\S.*)$", re.M | re.I)
_CHOICES = re.compile(r"^\(?(\d+)[.)][ \t]*(.+?)(?=\n+\(?\d+[.)]|\n-{4,}|\Z)", re.M | re.S)
_ASKED = re.compile(r"question(?: is)?:\s*'(.+?)'", re.S)
_SUMMARY = re.compile(r"\b(?:summar(?:y|i[sz]e)|tl;?dr)\b", re.I)
_KEYWORDS = re.compile(r"'KEYWORDS: <keywords>'")
_INSTRUCTION = re.compile(
    r"""(?:you(?:'re|\sare|\shave|\sanswer|\smust|\scan|\sare\sdesigned)|answer\b|use\b|using\b|given\b|if\b
    |context\b|please\b|always\b|never\b|be\b|do\snot\b|don't\b|avoid\b|some\srules|think\b|keep\b
    |the\sassistant|the\sfollowing\sis|here\sare|here's|instruction|return\b|respond\b|reply\b
    |write\b|summari[sz]e\b|try\b|only\b|help(?:ful)?\b|question:|query:|based\son|follow\b|when\b
    |tell\b|give\b|output\b|begin!|existing\sanswer|original\sanswer|new\sanswer)""",
    re.I | re.X,
)
_REQUEST = re.compile(
    r"(?:please\s+)?(?:tell|name|say|describe|explain|list|give|summari[sz]e|write|find|extract)\b",
    re.I,
)
_GREETINGS = word_set("hello hi hey ahoj hallo bonjour hola good morning evening")
_SMALL_TALK = (
    (re.compile(r"\bhow are you\b", re.I), "I am fine, thank you. How can I help you?"),
    (re.compile(r"\bthank(?:s| you)\b", re.I), "You are welcome."),
    (
        re.compile(r"\bjoke\b", re.I),
        "Why do cats never win at cards? Because they always show their claws.",
    ),
)
_ABOUT_THE_USER = (
    (r"\bmy\b", "your"),
    (r"\bI am\b", "you are"),
    (r"\bI'm\b", "you are"),
    (r"\bI\b", "you"),
    (r"\bme\b", "you"),
)
LONG = 240


@dataclass(frozen=True)
class Reading:
    """A question, the text it is asked about, and an answer that already stands."""

    question: str
    context: tuple[str, ...]
    draft: str | None = None


def answer(messages: Sequence[Message]) -> str:
    """The best answer the given text allows; a polite excuse when it allows none."""
    last = last_user(messages)
    results = [m for m in since_last_user(messages) if m.role == "tool"]
    if results:
        return report(last.text, results)
    return _by_task(last.text) or _by_reading(read(messages)) or _small_talk(last)


def read(messages: Sequence[Message]) -> Reading:
    """What is asked and about what, from the usual ways to write that in a prompt."""
    text = last_user(messages).text
    background = [m.text for m in messages if m.role in {"system", "developer"}]
    earlier = [_about_user(m.text) for m in messages if m.role == "user" and m.text != text]
    for pattern in _REFINE:
        if found := pattern.search(text):
            return Reading(found["q"], (found["c"],), found["a"])
    for place, passage in enumerate(background):
        if found := _EXISTING.search(passage):
            background[place] = passage[: found.start()]
            return Reading(text, tuple(background), found["a"])
    question = question_of(text)
    rest = text.replace(question, " ") if question != text else ""
    return Reading(question, (rest, *background, *earlier))


def question_of(text: str) -> str:
    """The question in a text: what a label, a question mark or a request says, else all of it."""
    if labelled := _QUESTION.findall(text):
        return str(labelled[-1]).strip()
    said = sentences(text)
    asked = [sentence for sentence in said if sentence.endswith(("?", "\uff1f"))]
    asked = asked or [sentence for sentence in said if _REQUEST.match(sentence)]
    return asked[-1] if asked else text.strip()


def last_user(messages: Sequence[Message]) -> Message:
    """The last turn of the user; the last turn of all when there is none."""
    turns = [m for m in messages if m.role == "user"] or list(messages)
    return turns[-1] if turns else Message("user", "")


def since_last_user(messages: Sequence[Message]) -> Sequence[Message]:
    """What came after the last turn of the user."""
    places = [i for i, m in enumerate(messages) if m.role == "user"]
    return messages[places[-1] + 1 :] if places else messages


def best(question: str, candidates: Iterable[str], least: float = 0.0) -> str | None:
    """The candidate that shares most with the question; rare words weigh more."""
    pool = list(candidates)
    asked = set(content_words(question))
    known = [set(content_words(candidate)) for candidate in pool]
    spread = Counter(word for words in known for word in words)
    scores = [
        sum(1 / math.sqrt(spread[word]) for word in asked & words) - 0.001 * len(words)
        for words in known
    ]
    top = max(scores, default=0.0)
    return pool[scores.index(top)] if top > least else None


def report(question: str, results: Sequence[Message]) -> str:
    """One sentence that holds what the tools said."""
    said = (_reported(question, result) for result in results)
    return " ".join(text if text.endswith((".", "!", "?")) else f"{text}." for text in said)


def _reported(question: str, result: Message) -> str:
    said = result.text.strip() or "nothing"
    if len(said) > LONG:
        said = best(question, sentences(said)) or sentences(said)[0]
    if result.source is None:
        return f"The tool says: {said}"
    given = listed(str(v) for v in result.source.arguments.values() if isinstance(v, str | int))
    about = f" for {given}" if 0 < len(given) <= 60 else ""
    return f"{result.source.name}{about} says: {said}"


def _by_task(text: str) -> str | None:
    """The answer to prompts that want something else than an answer."""
    if found := _STANDALONE.search(text):
        return found["q"]
    if _KEYWORDS.search(text):
        words = dict.fromkeys(split_words(" ".join(text.split("---------------------")[1:2])))
        kept = [word for word in words if content_words(word)]
        return f"KEYWORDS: {', '.join(kept[:5])}"
    choices = {number: option.strip() for number, option in _CHOICES.findall(text)}
    if choices and (asked := _ASKED.search(text)) and "choice" in text:
        option = best(asked[1], choices.values()) or next(iter(choices.values()))
        number = next(n for n, choice in choices.items() if choice == option)
        if "reason:" in text:
            return f'[{{"choice": {number}, "reason": "It shares most words with the question."}}]'
        return f"ANSWER: {number}. It shares most words with the question."
    return None


def _by_reading(reading: Reading) -> str | None:
    told = [said for s in _sentences(reading.context) if (said := _without_instruction(s))]
    if reading.draft is not None:
        return best(reading.question, [reading.draft, *told]) or reading.draft
    if _SUMMARY.search(reading.question) or any("SUMMARY:" in c for c in reading.context):
        asked = [_without_instruction(s) for s in sentences(reading.question)]
        subject = [*filter(None, asked), *(s for s in told if not s.startswith("SUMMARY:"))]
        return " ".join(subject[:2]) or None
    return best(reading.question, told) or best(reading.question, ALMANAC, least=1.5)


def _sentences(passages: Iterable[str]) -> Iterator[str]:
    return (sentence for passage in passages for sentence in sentences(passage))


def _without_instruction(sentence: str) -> str:
    """What a sentence tells: nothing when it instructs, but for what comes after a colon.

    >>> _without_instruction("Context: Brno is a city.")
    'Brno is a city.'
    """
    return sentence.partition(": ")[2] if _INSTRUCTION.match(sentence) else sentence


def _small_talk(message: Message) -> str:
    text = message.text
    for pattern, reply in _SMALL_TALK:
        if pattern.search(text):
            return reply
    if message.media:
        seen = listed(dict.fromkeys(message.media))
        return f"I was given {seen}, but I am a small emulator and read only text."
    if {word.lower() for word in split_words(text)} & _GREETINGS or not content_words(text):
        return "Hello! How can I help you today?"
    topic = listed([w for w in split_words(text) if content_words(w)][:4])
    return f"I am a small rule-based model, and the text I was given says nothing about {topic}."


def _about_user(text: str) -> str:
    """What the user said of themselves, as one would say it back."""
    for pattern, word in _ABOUT_THE_USER:
        text = re.sub(pattern, word, text, flags=re.I if pattern != r"\bI\b" else 0)
    return text[:1].upper() + text[1:]
