"""The values that stand in a text, each given out once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from emissary_emulator.brain.words import STOPWORDS, sentences, split_words, stem, word_set

_QUOTES = re.compile(
    r"(?<!\w)'([^'\n]+)'(?!\w)|\"([^\"\n]+)\"|`([^`\n]+)`|\u201c([^\u201d\n]+)\u201d"
    r"|\u2018([^\u2019\n]+)\u2019|\xab([^\xbb\n]+)\xbb|\u300c([^\u300d\n]+)\u300d"
)
_NUMBER = re.compile(r"(?<![\w.])(?<![A-Za-z_]-)-?\d+(?:,\d{3})*(?:\.\d+)?")
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        split_words("zero one two three four five six seven eight nine ten eleven twelve")
    )
}
_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*|[^\W_]+")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_PLACE_WORDS = word_set("in near from to around")
NOT_NAMES = STOPWORDS | word_set(
    """i'm i'll json yes ok okay hello hi hey thanks dear add create find search look show set make
    call send book order write read open close list extract generate describe summarize translate
    compute calculate what's where's who's how's it's let's today tomorrow mr mrs dr name calling
    return answer action observation thought final question human user assistant"""
)
PATTERNS = {
    "date-time": re.compile(
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    ),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "time": re.compile(r"\b\d?\d:\d\d(?::\d\d)?\b"),
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "uri": re.compile(r"https?://[^\s'\"<>)\]]+"),
}


@dataclass(frozen=True)
class Name:
    """Words that look like a name, and whether they look like the name of a place."""

    text: str
    place: bool
    start: int


@dataclass
class Pool:
    """Numbers, quotations and names of a text; `common` are stems that start no name."""

    text: str
    common: frozenset[str] = frozenset()
    numbers: list[str] = field(init=False)
    quoted: list[str] = field(init=False)
    names: list[Name] = field(init=False)

    def __post_init__(self) -> None:
        self.quoted = [next(filter(None, q.groups())) for q in _QUOTES.finditer(self.text)]
        bare = _QUOTES.sub(lambda found: " " * len(found[0]), self.text)
        for pattern in PATTERNS.values():
            bare = pattern.sub(lambda found: " " * len(found[0]), bare)
        self.numbers = [found[0].replace(",", "") for found in _NUMBER.finditer(bare)]
        spelled = (word.lower() for word in _WORD.findall(bare))
        self.numbers += [_NUMBER_WORDS[word] for word in spelled if word in _NUMBER_WORDS]
        self.names = list(self._names(bare))

    def number(self, near: str) -> str | None:
        """The number that stands by the word, else the next one."""
        for word in split_words(near):
            root = rf"\b{re.escape(stem(word))}\w*" if len(word) > 2 else rf"\b{word}\b"
            for shape in (
                rf"{root}(?:\W{{1,3}}|\s+(?:is|of|to|at)\s+)(-?\d+(?:\.\d+)?)",
                rf"(-?\d+(?:\.\d+)?)[ -]{root}",
            ):
                found = re.search(shape, self.text, re.I)
                if found and found[1] in self.numbers:
                    self.numbers.remove(found[1])
                    return found[1]
        return self.numbers.pop(0) if self.numbers else None

    def quotation(self) -> str | None:
        """The next quoted text."""
        return self.quoted.pop(0) if self.quoted else None

    def name(self, *, place: bool) -> str | None:
        """The next name: of a place when one is wanted, of something else when not."""
        if not self.names:
            return None
        chosen = next((n for n in self.names if n.place == place), self.names[0])
        self.names.remove(chosen)
        return chosen.text

    def together(self, *, place: bool) -> list[str]:
        """The names or quotations that are listed side by side, as in "Brno, Praha and Plzeň"."""
        if len(self.quoted) > 1:
            return list(self.quoted)
        runs: list[list[Name]] = []
        for name in self.names:
            last = runs[-1][-1] if runs else None
            between = self.text[last.start + len(last.text) : name.start] if last else ""
            if re.fullmatch(r"\s*(?:,|,?\s*(?:and|or|a|und|et|y|&))\s+(?:in\s+|for\s+)?", between):
                runs[-1].append(name)
            else:
                runs.append([name])
        chosen = [run for run in runs if any(n.place for n in run) == place] or runs
        return [name.text for name in max(chosen, key=len, default=[])]

    def _names(self, text: str) -> Iterator[Name]:
        starts = {text.find(sentence) for sentence in sentences(text)}
        words = [w for w in _WORD.finditer(text) if self._is_name(w[0], first=w.start() in starts)]
        place = 0
        while place < len(words):
            start, end = words[place].start(), words[place].end()
            while place + 1 < len(words) and _joined(text, end, words[place + 1]):
                place += 1
                end = words[place].end()
            before = text[:start].split()[-1:] or [""]
            yield Name(_trimmed(text[start:end]), before[0].lower() in _PLACE_WORDS, start)
            place += 1
        for found in _CJK.finditer(text):
            yield Name(found[0], False, found.start())

    def _is_name(self, word: str, *, first: bool) -> bool:
        if (
            len(word) < 2
            or not word[0].isupper()
            or _trimmed(word).lower() in NOT_NAMES
            or _CJK.search(word)
        ):
            return False
        return not (first and stem(word) in self.common)


def _joined(text: str, end: int, word: re.Match[str]) -> bool:
    """Whether a name goes on: "New York", "San Francisco, CA"."""
    between = text[end : word.start()]
    return between in {" ", " of ", " the ", " de ", " la "} or (
        between == ", " and len(word[0]) == 2 and word[0].isupper()
    )


def _trimmed(word: str) -> str:
    return re.sub(r"['\u2019]s?$", "", word)
