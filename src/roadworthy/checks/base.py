"""What a check is: class attributes that say what it claims, and one pure method that judges it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar

from roadworthy.checks.material import Material
from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict


class Cost(Enum):
    """How dear a check is, so that a runner can do the cheap ones first."""

    CHEAP = "cheap"
    FULL_SCAN = "full scan"
    TRAINS = "trains models"


@dataclass(frozen=True)
class Params:
    """Base of every check's parameters; subclasses add fields with defaults and refuse bad values by name.

    A field's allowed range is declared in `RANGES` as name -> (lowest, highest), both allowed.
    """

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {}

    def __post_init__(self) -> None:
        """Refuse a value outside its range."""
        for name, (low, high) in self.RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                raise PlaybookError(
                    f"parameter '{name}' is {value!r}",
                    remedy=f"Allowed: {low:g} to {high:g}.",
                    key=name,
                    allowed=(low, high),
                )

    @classmethod
    def read(cls, given: dict[str, Any], check: str) -> Params:
        """Parameters from a playbook's mapping.

        Raises:
            PlaybookError: an unknown key (names the allowed ones) or a value outside its range.
        """
        allowed = [f.name for f in fields(cls)]
        unknown = [key for key in given if key not in allowed]
        if unknown:
            raise PlaybookError(
                f"check '{check}' has no parameter '{unknown[0]}'",
                remedy=f"Allowed: {', '.join(allowed) or 'none'}.",
                key=unknown[0],
                allowed=allowed,
            )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})


class Check:
    """Base of every check.

    A subclass sets the class attributes and writes `evaluate`. `needs` names fields of `Material` that must not be
    None (or empty); the runner answers `inconclusive` for a check whose needs are not met, so `evaluate` may rely
    on them. `defect` is what a failure means, and so where it is sent back to.
    """

    id: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    step: ClassVar[Step]
    needs: ClassVar[tuple[str, ...]] = ()
    cost: ClassVar[Cost] = Cost.CHEAP
    defect: ClassVar[DefectKind]
    params: ClassVar[type[Params]] = Params

    def evaluate(self, material: Material, params: Any) -> Finding:
        """Judge the claim. Pure: same material and parameters, same finding."""
        raise NotImplementedError

    @classmethod
    def finding(
        cls,
        verdict: Verdict,
        message: str,
        *,
        statistic: float | None = None,
        interval: Interval | None = None,
        threshold: float | None = None,
        unit: str = "",
        rows: int = 0,
        reasons: tuple[str, ...] = (),
        details: dict[str, Any] | None = None,
        defect: DefectKind | None = None,
    ) -> Finding:
        """A finding of this check; the defect kind is set only where there is a defect."""
        faulty = verdict in (Verdict.FAIL, Verdict.WARN)
        return Finding(
            step=cls.step,
            check=cls.id,
            check_version=cls.version,
            verdict=verdict,
            message=message,
            statistic=statistic,
            interval=interval,
            threshold=threshold,
            unit=unit,
            rows=rows,
            reasons=reasons,
            defect=(defect or cls.defect) if faulty else None,
            details=details or {},
        )
