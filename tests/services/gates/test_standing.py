"""Protections in a playbook: per tier, per endpoint over it, and every mistake named with its line."""

from __future__ import annotations

import pytest

from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.standing.protection import ClientFrom, OutsideRange
from roadworthy.domain.use_case import RiskTier
from roadworthy.services.gates.playbooks import DEFAULT, read_playbook
from roadworthy.services.gates.standing import PROTECTION

HEAD = "name: p\nsteps: {}\nprotection:\n"


def read(text: str, tier: RiskTier = RiskTier.HIGH):
    return read_playbook((HEAD + text).encode(), tier, "p.yaml")


def test_a_playbook_that_says_nothing_gives_its_tier_the_terms_that_ship() -> None:
    for tier in RiskTier:
        book = read_playbook(DEFAULT.read_bytes(), tier)
        assert book.protection_of("any") == PROTECTION[tier]
    assert not PROTECTION[RiskTier.LOW].any
    assert PROTECTION[RiskTier.MEDIUM].any


def test_terms_stand_over_those_of_the_tier_and_an_endpoint_s_over_both() -> None:
    book = read(
        '  high: {rows_per_minute: 600, burst_rows: 50, client_from: token, reason: "few callers"}\n'
        '  endpoints:\n    mailing: {outside: reject, score_digits: null, detectors: [], reason: "forms"}\n'
    )
    tier, mailing = book.protection_of("other"), book.protection_of("mailing")
    assert (tier.rows_per_minute, tier.burst_rows, tier.client_from) == (600, 50, ClientFrom.TOKEN)
    assert tier.score_digits == PROTECTION[RiskTier.HIGH].score_digits
    assert (mailing.rows_per_minute, mailing.outside, mailing.score_digits) == (600, OutsideRange.REJECT, None)
    assert (mailing.detectors, mailing.reason) == ((), "forms")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  high: {rows: 6, reason: x}", "there is no protection 'rows'"),
        ("  high: {rows_per_minute: 0, burst_rows: 5, reason: x}", "'rows_per_minute' is 0"),
        ("  high: {rows_per_minute: .nan, burst_rows: 5, reason: x}", "'rows_per_minute' is nan"),
        ("  high: {rows_per_minute: 60, burst_rows: null, reason: x}", "needs rows_per_minute and burst_rows"),
        ("  high: {burst_rows: 1.5, rows_per_minute: 60, reason: x}", "'burst_rows' is 1.5"),
        ("  high: {outside: maybe, reason: x}", "'outside' is 'maybe'"),
        ("  high: {outside: [a], reason: x}", "'outside' is ['a']"),
        ("  high: {score_digits: 0, reason: x}", "'score_digits' is 0"),
        ("  high: {score_digits: true, reason: x}", "'score_digits' is True"),
        ("  high: {detectors: [prada], reason: x}", "'detectors' is ['prada']"),
        ("  high: {profile: abc, reason: x}", "there is no protection 'profile'"),
        ("  high: {outside: flag}", "give no reason"),
        ("  low: {outside: flag}", "give no reason"),
        ("  huge: {outside: flag, reason: x}", "huge"),
        ("  endpoints: {mailing: {outside: never, reason: x}}", "protection of 'mailing'"),
    ],
)
def test_a_mistake_is_named_with_its_line(line: str, said: str) -> None:
    with pytest.raises(PlaybookError) as refused:
        read(line)
    assert said in str(refused.value)
    assert "line 4" in str(refused.value)
