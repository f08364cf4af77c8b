"""How the decision log is kept: rules, retention, erasure, redaction; who may, and what the change record says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, World, at, days

from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain.errors import ConflictError, NotAllowedError, NotFoundError, SettingError
from roadworthy.domain.storing.log import REDACTED, Forgotten, LogRules
from roadworthy.domain.verdict import Verdict
from roadworthy.services.serve.keeping import erase_unit, keep_up, log_rules, set_log_rules
from roadworthy.services.serve.looking_back.replay import replay
from roadworthy.services.watch.status import status


@lru_cache(maxsize=1)
def _served() -> World:
    world = at("serving")
    world.add("paula", "privacy-officer")
    return world


@pytest.fixture
def world() -> World:
    return _served().fork()


@contextmanager
def on_disk(world: World, folder: Path) -> Iterator[World]:
    """The same world with its log in a folder."""
    log = SegmentLog(folder, segment_rows=5)
    yield World(replace(world.house, decisions=log), world.clock)
    log.close()


def rules(world: World, by: str = "omar", **about: object) -> LogRules:
    return set_log_rules(world.house, world.who(by), ENDPOINT, LogRules(**about))  # type: ignore[arg-type]


def test_rules_are_put_in_force_recorded_and_shown(world: World) -> None:
    rules(world, sync="off", keep_days=30, redact={"age": "drop"})
    assert log_rules(world.house, ENDPOINT) == LogRules("off", 30, {"age": "drop"})
    assert status(world.house).endpoints[0].log == LogRules("off", 30, {"age": "drop"})
    change = world.changes()[-1]
    assert (change.action, change.subject, change.facts["now"]["keep_days"]) == ("log-rules-set", ENDPOINT, 30)
    rules(world, sync="off", keep_days=30, redact={"age": "drop"})
    assert world.changes()[-1] == change
    with pytest.raises(NotFoundError):
        log_rules(world.house, "nowhere")


def test_only_those_who_may_keep_or_erase(world: World) -> None:
    with pytest.raises(NotAllowedError):
        rules(world, by="dan", keep_days=1)
    with pytest.raises(NotAllowedError):
        keep_up(world.house, world.who("dan"))
    for somebody in ("dan", "omar", "olga", "ada", "vera"):
        with pytest.raises(NotAllowedError):
            erase_unit(world.house, world.who(somebody), "u", "asked for")
    for somebody in ("paula", "admin"):
        assert erase_unit(world.house, world.who(somebody), "u", "asked for").endpoints == {ENDPOINT: Forgotten()}


def test_an_erased_unit_leaves_no_byte_in_the_log_nor_its_id_in_the_change_record(
    world: World, tmp_path: Path
) -> None:
    with on_disk(world, tmp_path) as mine:
        mine.report(mine.live(12, 8, "person"))
        keep_up(mine.house)
        mine.live(3, 9, "late")
        done = erase_unit(mine.house, mine.who("paula"), "person-3", "request 17 of 2026")
        assert done.endpoints == {ENDPOINT: Forgotten(decisions=1, outcomes=1)}
        left = [p for p in tmp_path.rglob("*") if p.is_file() and b"person-3" in p.read_bytes()]
        assert left == []
        assert len(mine.house.decisions.read(ENDPOINT)) == 14
        change = mine.changes()[-1]
        assert (change.action, change.actor, change.why) == ("unit-erased", "paula", "request 17 of 2026")
        assert change.subject == f"unit {done.unit_digest}"
        assert change.facts["erased"] == {ENDPOINT: {"decisions": 1, "outcomes": 1}}
        assert "person-3" not in str(mine.changes())


@pytest.mark.parametrize(
    ("unit", "reason"),
    [("u-1", " "), ("", "asked for"), ("u-1", "u-1 asked for it")],
    ids=["no reason", "nobody", "named"],
)
def test_an_erasure_names_a_unit_and_a_reason_that_does_not_name_it(world: World, unit: str, reason: str) -> None:
    with pytest.raises(SettingError):
        erase_unit(world.house, world.who("paula"), unit, reason)


def test_what_outlived_its_retention_goes_and_the_record_says_how_much(world: World) -> None:
    world.live(5, 8, "old")
    world.clock.advance(days(20))
    world.live(4, 9, "new")
    assert keep_up(world.house).expired == {}
    rules(world, keep_days=10)
    assert keep_up(world.house).expired == {ENDPOINT: Forgotten(decisions=5)}
    assert len(world.house.decisions.read(ENDPOINT)) == 4
    change = world.changes()[-1]
    assert (change.action, change.actor, change.facts["decisions"]) == ("decisions-expired", "platform", 5)
    assert keep_up(world.house).expired == {}
    assert world.changes()[-1] == change


def test_redacted_columns_are_not_in_the_log_and_a_replay_says_so(world: World, tmp_path: Path) -> None:
    with on_disk(world, tmp_path) as mine:
        rules(mine, redact={"channel": "hash", "age": "drop", "balance": "hash"})
        frame, _ = simulate(30, 8)
        gateway = mine.gateway()
        mine.ask(gateway, frame, [f"r{i}" for i in range(30)])
        gateway.close()
        logged = sorted(mine.house.decisions.read(ENDPOINT), key=lambda d: int(d.request_id[1:]))
        assert {d.inputs["age"] for d in logged} == {REDACTED}
        channels = {(c, d.inputs["channel"]) for c, d in zip(frame["channel"], logged, strict=True)}
        assert len(channels) == len({c for c, _ in channels}) == len({h for _, h in channels}) == 3
        assert all(h.startswith(REDACTED) and len(h) == len(REDACTED) + 32 for _, h in channels)
        missing = [b != b for b in frame["balance"]]  # noqa: PLR0124 - NaN is what differs from itself
        assert [d.inputs["balance"] is None for d in logged] == missing
        assert [d.inputs["visits"] for d in logged] == frame["visits"].tolist()
        scored = next(d for d in logged if d.score is not None)
        again = replay(mine.house, scored.request_id)[0]
        assert again.verdict is Verdict.INCONCLUSIVE
        assert "redacted" in again.message
        assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"branch" in p.read_bytes()]


def test_a_review_leaves_redacted_columns_out_instead_of_calling_them_drift(world: World) -> None:
    rules(world, redact={"channel": "hash", "age": "drop"})
    world.report(world.live(700, 11, "m"))
    signals = world.review().signals
    assert not {s.subject for s in signals} & {"channel", "age"}
    assert {s.subject for s in signals} >= {"balance", "visits"}


def test_a_request_id_used_again_for_another_value_of_a_hashed_column_is_refused(world: World) -> None:
    rules(world, redact={"visits": "hash"})
    frame, _ = simulate(1, 8)
    gateway = world.gateway()
    world.ask(gateway, frame, ["a"])
    world.ask(gateway, frame, ["a"])
    with pytest.raises(ConflictError):
        world.ask(gateway, frame.with_column("visits", frame["visits"] + 1), ["a"])
    gateway.close()
    assert len(world.house.decisions.read(ENDPOINT)) == 1
