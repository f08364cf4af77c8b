"""What lists find an entity by, as text that sorts and compares alike in every database: moments, names, words."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from roadworthy.domain.errors import SettingError
from roadworthy.domain.ports import Aggregate

KEY_BYTES = 1024
"""Longest id or indexed text, in UTF-8 bytes: well below what a PostgreSQL index entry takes (2704)."""

AFTER_ALL = "\U0010ffff"
"""Follows every other character: the end of a prefix's range."""

_WORD = re.compile(r"[^\W_]+")
_WORD_LENGTH = 64
_WORDS = 400
"""Longest word kept, and most words of one entity; free text beyond it is not searched."""


def storable(text: str) -> bool:
    """Whether every database we use can keep this text in an index."""
    try:
        return "\x00" not in text and len(text.encode()) <= KEY_BYTES
    except UnicodeEncodeError:
        return False


def moment_text(moment: datetime | None) -> str:
    """A moment as text whose order is that of time, all in UTC; empty for none, before all others."""
    if moment is None:
        return ""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # the first and last day of the calendar, in another zone
        moment = moment.replace(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds")


def words_in(text: str) -> list[str]:
    """The words of a text, folded to one case, without punctuation; `credit-risk:12` has three."""
    return [word[:_WORD_LENGTH] for word in _WORD.findall(text.casefold())]


def terms_of(aggregate: Aggregate, entity: object) -> frozenset[str]:
    """Every term one entity is found by: its words, and the texts of its fields of several."""
    terms = {
        many_term(name, text)
        for name in aggregate.many
        for text in getattr(entity, name)
        if storable(f"{name}={text}")
    }
    words = [word for name in aggregate.words for text in _texts(getattr(entity, name)) for word in words_in(text)]
    return frozenset(terms | {word_term(word) for word in words[:_WORDS]})


def many_term(field: str, text: str) -> str:
    """The term for one of the texts of a field."""
    return f"{field}={text}"


def word_term(word: str) -> str:
    """The term for a word."""
    return f"word={word}"


def ranges_of(aggregate: Aggregate, label: str, has: dict[str, str], words: str) -> tuple[tuple[str, str], ...]:
    """What the terms of a matching entity must hit, each as first and last term of a range, both included.

    Raises:
        SettingError: a field that has not several texts, no words to search in, or a search without a word.
    """
    for name in has:
        if name not in aggregate.many:
            raise SettingError(
                f"a {label} cannot be listed by one of its '{name}'",
                remedy=f"Possible: {', '.join(aggregate.many) or 'none'}.",
                field=name,
                allowed=aggregate.many,
            )
    wanted = words_in(words)
    if words.strip() and not (wanted and aggregate.words):
        raise SettingError(
            f"there is nothing to search for in '{words[:60]}'" if aggregate.words else f"a {label} has no words",
            remedy="Give letters or digits." if aggregate.words else "Leave the search text out.",
            field="words",
        )
    exact = [many_term(name, text) for name, text in has.items()]
    return (*((t, t) for t in exact), *((word_term(w), word_term(w) + AFTER_ALL) for w in wanted))


def _texts(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)
