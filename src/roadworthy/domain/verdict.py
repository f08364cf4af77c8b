"""The five verdicts and their one ordering.

A verdict answers one question: may we act as if the claim holds? Only `pass` and `warn` say yes. `fail` says
the claim was measured and does not hold; `inconclusive` says there was not enough evidence to tell; `error`
says the measurement itself broke. The last two are never a pass and never a fail.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """What a check, a step, a gate or a rollout look concluded."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"

    @property
    def severity(self) -> int:
        """Position in the one ordering, 0 (best) to 4: the less is known, the worse."""
        return _ORDER.index(self)

    @property
    def lets_through(self) -> bool:
        """Whether a gate may go on after this verdict."""
        return self in (Verdict.PASS, Verdict.WARN)


_ORDER = (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; of none at all, `inconclusive`: no evidence is never a pass."""
    found = tuple(verdicts)
    return max(found, key=lambda v: v.severity) if found else Verdict.INCONCLUSIVE
