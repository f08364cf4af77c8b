"""Serving health: failed requests against a limit, by their interval."""

from __future__ import annotations

import pytest
from scipy import stats

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.serving_health import failures


@pytest.mark.parametrize(
    ("failed", "total", "expected"),
    [
        pytest.param(0, 1000, Verdict.PASS, id="none"),
        pytest.param(15, 1000, Verdict.WARN, id="above, perhaps by chance"),
        pytest.param(30, 1000, Verdict.FAIL, id="surely above one percent"),
        pytest.param(49, 49, Verdict.INCONCLUSIVE, id="one request too few"),
    ],
)
def test_failed_requests_are_judged_by_their_interval(failed: int, total: int, expected: Verdict) -> None:
    found = failures(failed, total)
    assert found.verdict is expected
    assert (found.defect is DefectKind.SERVING_FAILURE) == (expected is Verdict.FAIL)


def test_the_interval_is_wilsons() -> None:
    oracle = stats.binomtest(30, 1000).proportion_ci(method="wilson")
    found = failures(30, 1000).interval
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
