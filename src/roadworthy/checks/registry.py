"""Every check by its id. Third parties add theirs through the entry-point group `roadworthy.checks`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from roadworthy.checks.activation import CHECKS as ACTIVATION
from roadworthy.checks.base import Check
from roadworthy.checks.release import CHECKS as RELEASE
from roadworthy.checks.validation import CHECKS as VALIDATION
from roadworthy.domain.errors import PlaybookError, shortlist


def builtin() -> dict[str, type[Check]]:
    """The checks that ship, by id."""
    return {check.id: check for check in (*VALIDATION, *RELEASE, *ACTIVATION)}


def registered() -> dict[str, type[Check]]:
    """All checks, those of installed third parties included."""
    return builtin() | {check.id: check for check in _third_party()}


@cache
def _third_party() -> tuple[type[Check], ...]:
    """Loaded once: reading every installed package's entry points takes tenths of a second."""
    return tuple(entry.load() for entry in entry_points(group="roadworthy.checks"))


def check_named(name: str) -> type[Check]:
    """The check with this id.

    Raises:
        PlaybookError: no such check; names those that exist.
    """
    known = registered()
    if name not in known:
        raise PlaybookError(
            f"there is no check '{name}'",
            remedy=f"Known: {shortlist(sorted(known), 40)}.",
            key=name,
            allowed=sorted(known),
        )
    return known[name]
