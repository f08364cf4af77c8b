"""What the standing protections saw, as signals of a review: one per detector and guard.

A sighting is a WARN and never a FAIL, and names no defect: it says something of a client, not of the model, and whoever
could take a version out of service by sending strange rows would have been handed an attack. PASS: the detector looked
and saw nothing. INCONCLUSIVE: it could not look, or no client sent a window of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from roadworthy.domain.errors import shortlist
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.standing.protection import OutsideRange, ProtectionTally, ProtectionTerms, Sighting
from roadworthy.domain.verdict import Verdict

MONITOR = "protection"


def signals(terms: ProtectionTerms | None, tallies: Sequence[ProtectionTally]) -> tuple[Signal, ...]:
    """The signals of one window; none where the deployment asks for no protection.

    Args:
        terms: those the deployment in force is signed with.
        tallies: of every gateway process, within the window.
    """
    if terms is None or not terms.any:
        return ()
    asked = (*terms.detectors, *(("input-range",) if terms.outside is OutsideRange.FLAG else ()))
    sightings = [s for t in tallies for s in t.sightings]
    refused: Counter[str] = Counter()
    for tally in tallies:
        refused.update(tally.refused)
    guards = (
        *(("budget",) if terms.rows_per_minute is not None else ()),
        *(("range",) if terms.outside is OutsideRange.REJECT else ()),
    )
    return (
        *(_seen(name, [s for s in sightings if s.detector == name], tallies) for name in asked),
        *(_refused(name, refused[name], tallies) for name in guards),
    )


def _seen(name: str, mine: Sequence[Sighting], tallies: Sequence[ProtectionTally]) -> Signal:
    looked, windows = sum(t.looked for t in tallies), sum(t.windows for t in tallies)
    failed = next((t.failed for t in tallies if t.failed), "")
    if mine:
        worst = max(mine, key=lambda s: s.statistic)
        clients = Counter(s.client for s in mine)
        named = [f"{client} ({n} windows)" if n > 1 else client for client, n in clients.most_common()]
        message = f"client {shortlist(named, 5)}: {worst.message}"
        return Signal(
            monitor=MONITOR,
            kind=SignalKind.PROTECTION,
            subject=name,
            verdict=Verdict.WARN,
            message=message,
            statistic=worst.statistic,
            threshold=worst.limit,
            unit="share",
            rows=looked,
            details={"clients": dict(clients.most_common(20)), "windows": windows},
        )
    if failed:
        return _signal(name, Verdict.INCONCLUSIVE, f"the detectors could not look: {failed}", looked)
    if windows == 0:
        why = "no gateway has told what it saw" if not tallies else "no client sent enough rows to be judged"
        return _signal(name, Verdict.INCONCLUSIVE, why, looked)
    passed_by = sum(t.passed_by for t in tallies)
    return _signal(name, Verdict.PASS, f"nothing in {windows} windows; {passed_by} rows were not looked at", looked)


def _refused(name: str, requests: int, tallies: Sequence[ProtectionTally]) -> Signal:
    if not tallies:
        return _signal(name, Verdict.INCONCLUSIVE, "no gateway has told what it saw", 0)
    verdict = Verdict.WARN if requests else Verdict.PASS
    return _signal(name, verdict, f"{requests} requests were refused", sum(t.looked for t in tallies))


def _signal(name: str, verdict: Verdict, message: str, rows: int) -> Signal:
    return Signal(MONITOR, SignalKind.PROTECTION, name, verdict, message, rows=rows)
