"""Text in pieces: tokens, sentences and the words that carry meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"\s*(?:[{_CJK}]|[^\W{_CJK}]{{1,12}}|[^\w\s])|\s+")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])[\"'\u201d\u2019)]*\s+(?=[^a-z])|\n+")
_MARKER = re.compile(r"^\s*(?:[-*•>#]+|\(?\d{1,2}[.)])\s+")


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


STOPWORDS = word_set(
    """a about all also am an and any are as at be been but by can could did do does doing for from
    get give had has have he her here hers him his how i if in into is it its itself just let me my
    no not now of off on one or our out please she should so some such tell than that the their them
    then there these they this those to too up us use used using very want was we were what when
    where which while who whom whose why will with would you your yours"""
)


def tokens(text: str) -> list[str]:
    """The text cut into tokens that join to the very same text.

    >>> tokens("The Vltava flows.")
    ['The', ' Vltava', ' flows', '.']
    """
    return _TOKEN.findall(text)


def stem(word: str) -> str:
    """A word without the endings that do not matter here.

    >>> stem("Adder") == stem("adding") == stem("adds")
    True
    """
    word = word.lower()
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    for ending in ("ing", "ed", "er", "or"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def stems(text: str) -> frozenset[str]:
    """The stems of the words of a text, as a set."""
    return frozenset(map(stem, text.split()))


def split_words(text: str) -> list[str]:
    """All words, with names like `get_weather` and `getWeather` taken apart.

    >>> split_words("getWeather at_home")
    ['get', 'Weather', 'at', 'home']
    """
    return _WORD.findall(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text))


def content_words(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order.

    >>> content_words("Which rivers are in the city?")
    ['riv', 'city']
    """
    return [stem(word) for word in split_words(text) if word.lower() not in STOPWORDS]


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, without list markers and rules.

    >>> sentences("One. Two! Three")
    ['One.', 'Two!', 'Three']
    """
    pieces = (_MARKER.sub("", piece).strip() for piece in _SENTENCE_END.split(text))
    return [piece for piece in pieces if _WORD.search(piece)]


def listed(items: Iterable[str]) -> str:
    """Items as one would say them: "a", "a and b", "a, b and c"."""
    *first, last = list(items) or [""]
    return f"{', '.join(first)} and {last}" if first else last
