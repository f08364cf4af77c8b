"""Serving health: how many requests the model failed to answer, with an interval against a limit."""

from __future__ import annotations

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.proportions import wilson


def failures(failed: int, total: int, max_share: float = 0.01, min_rows: int = 50) -> Signal:
    """The share of failed requests (Wilson's interval): FAIL when all of it is above `max_share`.

    WARN when the estimate is above and the interval is not, PASS else; INCONCLUSIVE below `min_rows` requests.
    """
    if total < min_rows:
        message = f"{total} requests: too few to judge failures (needed: {min_rows})"
        return Signal("serving", SignalKind.SERVING, "failures", Verdict.INCONCLUSIVE, message, rows=total)
    interval, share = wilson(failed, total), failed / total
    verdict = Verdict.FAIL if interval.low > max_share else Verdict.WARN if share > max_share else Verdict.PASS
    return Signal(
        "serving",
        SignalKind.SERVING,
        "failures",
        verdict,
        f"{failed} of {total} requests failed",
        statistic=share,
        interval=interval,
        threshold=max_share,
        unit="share",
        rows=total,
        defect=DefectKind.SERVING_FAILURE if verdict is Verdict.FAIL else None,
    )
