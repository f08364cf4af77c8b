"""A6 `alerts`: when a threshold is crossed a named person hears of it, and it is known where the model goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict

NOBODY = frozenset(
    {"", "-", "?", "n/a", "na", "none", "nobody", "null", "tbd", "todo", "unknown", "everyone", "all"}
)
"""Words that fill a field without naming anybody."""


@dataclass(frozen=True)
class AlertsParams(Params):
    """`min_people`: how many different people must be told. `min_monitors`: how many monitors must exist."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"min_people": (1, 100), "min_monitors": (1, 1000)}

    min_people: int = 1
    min_monitors: int = 1


class Alerts(Check):
    """Alerts reach a named person, and the route to retraining has a name.

    Needs:
        monitor_plan.

    Parameters:
        min_people (count, default 1, 1..100): different named people told; placeholders such as "tbd" do not count.
        min_monitors (count, default 1, 1..1000): different monitors that can raise an alert.

    Verdict:
        fail when fewer than min_people are named, fewer than min_monitors exist, or retrain_route is empty or a
        placeholder; pass otherwise. Records are compared, nothing is estimated: no error rate.

    Inconclusive/Error:
        inconclusive when there is no monitor plan.

    Example:
        >>> named((" TBD ", "olga", "olga", ""))
        ('olga',)

    References:
        Beyer et al., Site Reliability Engineering, 2016, ch. 6: every page goes to a person who can act on it.
    """

    id = "alerts"
    version = 1
    title = "Alerts reach a named person"
    step = Step.A6
    needs = ("monitor_plan",)
    defect = DefectKind.OPERATIONS_GAP
    params = AlertsParams

    def evaluate(self, material: Material, params: AlertsParams) -> Finding:
        """Count who is told, and read the route."""
        plan = material.monitor_plan
        assert plan is not None  # noqa: S101 - the runner checked `needs`
        people, monitors, route = named(plan.alerts_to), named(plan.monitors), named((plan.retrain_route,))
        conditions = {
            "nobody-is-told": len(people) < params.min_people,
            "nothing-is-watched": len(monitors) < params.min_monitors,
            "no-retrain-route": not route,
        }
        reasons = tuple(code for code, bad in conditions.items() if bad)
        if reasons:
            message = f"An alert would get lost: {', '.join(reasons)}."
        else:
            message = f"{len(monitors)} monitors tell {', '.join(people)}; retraining goes to {route[0]}."
        return self.finding(
            Verdict.FAIL if reasons else Verdict.PASS,
            message,
            statistic=float(len(people)),
            threshold=float(params.min_people),
            unit="people told",
            reasons=reasons,
            details={"alerts_to": list(people), "monitors": list(monitors), "retrain_route": plan.retrain_route},
        )


def named(entries: tuple[str, ...]) -> tuple[str, ...]:
    """The different entries that name something, trimmed, in order."""
    trimmed = (entry.strip() for entry in entries)
    return tuple(dict.fromkeys(entry for entry in trimmed if entry.lower() not in NOBODY))
