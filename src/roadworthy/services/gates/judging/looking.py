"""Whether a run looks at the sealed rows, and whether that tells anybody something new.

A look is counted when a check that reads them is judged, before it is, and charged when its figures were not known: a
finding taken over is no look, and a version judged again on the same rows under the same playbook, since an earlier
run of it stayed open, tells no more than that run did. A cancelled run told nobody knows what: it never makes the next
one free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from roadworthy.domain.errors import LostUpdateError
from roadworthy.domain.gate import Finding, Gate, GateRun, PlannedCheck, check_key
from roadworthy.domain.model import ModelVersion, SealedLook
from roadworthy.services.catalog.looks import look
from roadworthy.services.gates.judging.reuse import REUSABLE
from roadworthy.services.house import House

SEALED = frozenset({"sealed", "kpi", "signals"})
"""Fields of the material that are made of sealed rows."""

ATTEMPTS = 5
"""How often a look is counted anew when somebody else counted one in the same instant."""


def note_look(
    house: House, run: GateRun, version: ModelVersion, judged: Iterable[PlannedCheck], earlier: Sequence[GateRun]
) -> bool:
    """Count this run's look, once; True when there is one to count.

    Args:
        run: the run that looks.
        version: what it judges.
        judged: the checks it judges itself, not those whose findings it takes over.
        earlier: runs of the same version whose findings may count (none for a fresh run).

    Raises:
        LostUpdateError: somebody else counted a look in the same instant, `ATTEMPTS` times.
    """
    looking = [check for check in judged if reads_sealed(check, earlier)]
    if not looking:
        return False
    charged = run.gate is Gate.VALIDATION and any(tells_more(check, run, earlier) for check in looking)
    for left in reversed(range(ATTEMPTS)):
        try:
            _count(house, run, version, charged=charged)
        except LostUpdateError:
            if not left:
                raise
        else:
            break
    return True


def reads_sealed(check: PlannedCheck, earlier: Sequence[GateRun]) -> bool:
    """Whether a check may read sealed rows: unless it is known from earlier runs that it does not."""
    seen = [found.looked_at for _, found in _made(check, earlier) if found.looked_at]
    return not seen or any(SEALED & set(fields) for fields in seen)


def tells_more(check: PlannedCheck, run: GateRun, earlier: Sequence[GateRun]) -> bool:
    """Whether a check's figures on sealed rows are other than those an earlier run gave."""
    return not any(
        (before.inputs, before.playbook) == (run.inputs, run.playbook)
        and before.ending is None
        and found.verdict in REUSABLE
        for before, found in _made(check, earlier)
    )


def _made(check: PlannedCheck, earlier: Sequence[GateRun]) -> Iterator[tuple[GateRun, Finding]]:
    for run in earlier:
        yield from ((run, f) for f in run.findings if check_key(f.step, f.check) == check.key)


def _count(house: House, run: GateRun, version: ModelVersion, *, charged: bool) -> None:
    why = f"{run.gate.value} of {version.id}"
    with house.store.begin() as tx:
        dataset = run.inputs["sealed"]
        if not any(seen.gate_run == run.id for seen in tx.of(SealedLook).find(dataset=dataset)):
            look(house, tx, run.actor, dataset, version, run.id, why, charged=charged)
