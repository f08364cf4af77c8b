"""Signals of protections: a warning names the client, no sighting convicts a model, not looking is no pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from roadworthy.domain.standing.protection import OutsideRange, ProtectionTally, ProtectionTerms, Sighting
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.protection.signals import signals

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TERMS = ProtectionTerms(detectors=("extraction", "out-of-domain"))
QUIET = ProtectionTally("mailing", "d1", NOW, NOW + timedelta(seconds=10), looked=300, windows=3, passed_by=7)
SEEN = Sighting("extraction", "shop", NOW, 0.8, 0.3, 100, "differs by 0.80")


def test_no_protection_gives_no_signal() -> None:
    assert signals(None, ()) == ()
    assert signals(ProtectionTerms(), (QUIET,)) == ()


def test_a_sighting_is_a_warning_that_names_the_client_and_no_defect_of_the_model() -> None:
    loud = replace(QUIET, sightings=(SEEN, replace(SEEN, statistic=0.9), replace(SEEN, client="other")))
    found = {s.subject: s for s in signals(TERMS, (QUIET, loud))}
    assert found["extraction"].verdict is Verdict.WARN
    assert "client shop (2 windows), other" in found["extraction"].message
    assert (found["extraction"].statistic, found["extraction"].threshold) == (0.9, 0.3)
    assert found["extraction"].defect is None
    assert found["out-of-domain"].verdict is Verdict.PASS
    assert "6 windows" in found["out-of-domain"].message
    assert "14 rows were not looked at" in found["out-of-domain"].message


def test_not_having_looked_is_inconclusive_and_says_why() -> None:
    for tallies, why in (
        ((), "no gateway has told"),
        ((replace(QUIET, windows=0, looked=0),), "enough rows"),
        ((replace(QUIET, failed="no profile"),), "could not look: no profile"),
    ):
        found = signals(TERMS, tallies)
        assert {s.verdict for s in found} == {Verdict.INCONCLUSIVE}
        assert all(why in s.message for s in found)


def test_refused_requests_are_told_per_guard() -> None:
    terms = ProtectionTerms(rows_per_minute=60.0, burst_rows=60, outside=OutsideRange.REJECT)
    found = {s.subject: s for s in signals(terms, (replace(QUIET, refused={"budget": 4}),))}
    assert (found["budget"].verdict, found["range"].verdict) == (Verdict.WARN, Verdict.PASS)
    assert found["budget"].message == "4 requests were refused"
