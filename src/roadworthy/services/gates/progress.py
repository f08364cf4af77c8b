"""How far a gate run is, check by check. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from roadworthy.domain.gate import GateRun, check_key
from roadworthy.domain.verdict import Verdict


class CheckStatus(Enum):
    """Where one check of a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """One check: where it stands, when it was begun and done, what it found and, if so, whose finding that is."""

    key: str
    status: CheckStatus
    started_at: datetime | None = None
    finished_at: datetime | None = None
    verdict: Verdict | None = None
    reused_from: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it is not done, or when it was not judged here."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Progress:
    """Every check of a run in order. `stamp` differs whenever something has happened."""

    checks: tuple[CheckProgress, ...]
    stamp: str

    @property
    def running(self) -> tuple[str, ...]:
        """The keys of the checks being judged now."""
        return tuple(c.key for c in self.checks if c.status is CheckStatus.RUNNING)

    @property
    def done(self) -> int:
        """How many have their finding."""
        return sum(c.status is CheckStatus.DONE for c in self.checks)


def progress_of(run: GateRun) -> Progress:
    """How far a run is. A run that ended runs nothing, whatever it had begun."""
    found = {check_key(f.step, f.check): f for f in run.findings}
    keys = (*run.planned, *(key for key in found if key not in run.planned))
    checks = []
    for key in keys:
        times, finding = run.times.get(key), found.get(key)
        begun = times is not None and run.verdict is None
        status = CheckStatus.DONE if finding else CheckStatus.RUNNING if begun else CheckStatus.WAITING
        checks.append(
            CheckProgress(
                key,
                status,
                times.started_at if times else None,
                times.finished_at if times else None,
                finding.verdict if finding else None,
                finding.reused_from if finding else "",
            )
        )
    stamp = f"{len(run.findings)}.{len(run.times)}.{run.verdict.value if run.verdict else ''}"
    return Progress(tuple(checks), stamp)
