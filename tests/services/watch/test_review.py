"""Reviews: what moved, whose doing it is, and where a proven defect goes back to; once, not at every look."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain.errors import ConflictError, NotAllowedError
from roadworthy.domain.returns import DefectKind, DevelopmentStep
from roadworthy.domain.review import ReviewRun, Signal, SignalKind
from roadworthy.domain.verdict import Verdict, worst
from roadworthy.services.serve.deploy import deploy
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.serve.outcomes import Reported, ingest_outcomes
from roadworthy.services.watch.review import review_endpoint
from roadworthy.services.watch.verify import verify_changes

ROWS = 1200


@lru_cache(maxsize=1)
def _quiet() -> World:
    """One month of customers as they were in training, reviewed; 40 % are decided without the model."""
    world = at("registered")
    world.agree(holdout_share=0.4)
    world.activate_fully(V1)
    world.clock.advance(days(1))
    world.deploy(V1)
    first = world.live(ROWS, 11, "a")
    world.clock.advance(days(8))
    world.report(first)
    world.review()
    return world


@pytest.fixture
def world() -> World:
    return _quiet().fork()


def next_month(world: World, seed: int, *, wait: float = 8, flip: bool = False, **about: float) -> ReviewRun:
    """A second month of other customers, their outcomes, and the review of that month alone."""
    since = world.clock.now()
    happened = world.live(ROWS, seed, f"m{seed}", **about)
    world.clock.advance(days(wait))
    world.report({k: 1.0 - v for k, v in happened.items()} if flip else happened)
    return world.review(since=since)


def signal(run: ReviewRun, kind: SignalKind, subject: str = "") -> Signal:
    return next(s for s in run.signals if s.kind is kind and subject in ("", s.subject))


def test_where_nothing_moved_all_is_well_and_no_work_is_opened(world: World) -> None:
    (run,) = world.all(ReviewRun)
    assert (run.verdict, run.version, run.decisions, run.outcomes) == (Verdict.PASS, V1, ROWS, ROWS)
    assert run.conclusion.startswith("All well")
    assert world.work() == []


def test_a_review_is_in_the_change_record_with_its_conclusion(world: World) -> None:
    (run,) = world.all(ReviewRun)
    change = world.changes()[-1]
    assert (change.action, change.subject, change.why) == ("reviewed", ENDPOINT, run.conclusion)
    assert change.facts == {"review": run.id, "version": V1, "verdict": "pass"}
    assert verify_changes(world.house) == len(world.changes())


def test_other_customers_are_data_drift_and_go_back_to_data_acquisition(world: World) -> None:
    run = next_month(world, 13, shift=2.0)
    assert signal(run, SignalKind.DATA_DRIFT, "age").verdict is Verdict.FAIL
    assert signal(run, SignalKind.DATA_DRIFT, "balance").verdict is Verdict.PASS
    item = next(i for i in world.work() if i.defect is DefectKind.DATA_DRIFT)
    assert (item.step, item.re_entry, item.version) == (DevelopmentStep.DATA_ACQUISITION, "validation", V1)
    assert item.id in run.work_items


def test_a_score_that_means_nothing_any_more_is_mathematical_drift_and_goes_back_to_modelling(world: World) -> None:
    run = next_month(world, 14, flip=True)
    assert signal(run, SignalKind.MATHEMATICAL_DRIFT, "chance").verdict is Verdict.FAIL
    assert all(s.verdict is Verdict.PASS for s in run.signals if s.kind is SignalKind.DATA_DRIFT)
    item = next(i for i in world.work() if i.defect is DefectKind.MATHEMATICAL_DRIFT)
    assert item.step is DevelopmentStep.MODELLING


def test_a_market_that_rises_for_everybody_is_business_drift_and_no_merit_of_the_model(world: World) -> None:
    run = next_month(world, 12, rate=1.5)
    conversion = signal(run, SignalKind.VALUE, "conversion")
    assert (conversion.details["cause"], conversion.verdict) == ("not-attributable", Verdict.WARN)
    assert "the rise is not the model's doing" in conversion.message
    assert signal(run, SignalKind.BUSINESS_DRIFT, "hold-out base rate").verdict is Verdict.FAIL


def test_the_same_defect_seen_in_every_review_is_one_work_item(world: World) -> None:
    first = next_month(world, 13, shift=2.0)
    second = next_month(world, 15, shift=2.0)
    drift = [i for i in world.work() if i.defect is DefectKind.DATA_DRIFT]
    assert len(drift) == 1
    assert drift[0].id in first.work_items
    assert drift[0].id in second.work_items
    assert world.actions().count("work-item-opened") == len(world.work())


def test_held_out_units_do_not_pull_down_what_the_model_earns_per_unit(world: World) -> None:
    (run,) = world.all(ReviewRun)
    kpi = signal(run, SignalKind.BUSINESS_DRIFT, "kpi per unit")
    decided = [d for d in world.house.decisions.read(ENDPOINT) if d.version == V1]
    outcomes = {o.request_id: o.value for o in world.house.decisions.read_outcomes(ENDPOINT)}
    earned = sum((8 * outcomes[d.request_id] - 3) if d.acted else 0.0 for d in decided) / len(decided)
    assert f"to {earned:.4g} EUR" in kpi.message
    assert kpi.rows == len(decided)


def early(world: World, seed: int) -> ReviewRun:
    """A month reviewed after two of its seven days of waiting: only the yeses have come back."""
    since = world.clock.now()
    happened = world.live(ROWS, seed, f"m{seed}")
    world.clock.advance(days(2))
    world.report({k: v for k, v in happened.items() if v == 1.0})
    return world.review(since=since)


def test_outcomes_that_came_early_are_not_taken_for_a_boom(world: World) -> None:
    run = early(world, 16)
    moved = [s for s in run.signals if s.kind is SignalKind.VALUE]
    assert {s.details["cause"] for s in moved} == {"not-measurable"}
    assert {s.verdict for s in moved} == {Verdict.INCONCLUSIVE}
    assert signal(run, SignalKind.BUSINESS_DRIFT, "base rate").verdict is Verdict.INCONCLUSIVE
    assert signal(run, SignalKind.BUSINESS_DRIFT, "kpi per unit").verdict is Verdict.INCONCLUSIVE
    assert run.verdict is not Verdict.PASS
    assert world.work() == []


def test_the_due_part_of_a_window_is_judged_and_the_young_part_left_out(world: World) -> None:
    since = world.clock.now()
    due = world.live(ROWS, 17, "due")
    world.clock.advance(days(8))
    young = world.live(ROWS, 18, "young")
    world.report(due)
    world.report({k: v for k, v in young.items() if v == 1.0})
    run = world.review(since=since)
    conversion = signal(run, SignalKind.VALUE, "conversion")
    assert run.decisions == 2 * ROWS
    assert conversion.details["after"] == pytest.approx(
        sum(
            due[d.request_id]
            for d in world.house.decisions.read(ENDPOINT)
            if d.version == V1 and d.request_id in due
        )
        / sum(d.version == V1 and d.request_id in due for d in world.house.decisions.read(ENDPOINT))
    )


def test_outcomes_that_never_came_are_missed_and_not_counted_as_noes(world: World) -> None:
    since = world.clock.now()
    happened = world.live(ROWS, 19, "m19")
    world.clock.advance(days(30))
    world.report(dict(list(happened.items())[: ROWS // 4]))
    run = world.review(since=since)
    assert (run.verdict, run.outcomes) == (Verdict.INCONCLUSIVE, ROWS // 4)
    assert signal(run, SignalKind.LABEL_COVERAGE).verdict is Verdict.INCONCLUSIVE
    assert signal(run, SignalKind.BUSINESS_DRIFT, "base rate").verdict is Verdict.PASS


def test_requests_that_failed_are_a_serving_failure(world: World) -> None:
    decisions = [d for d in world.house.decisions.read(ENDPOINT) if d.version == V1][:100]
    status = type(decisions[0].status).FAILED
    since = world.clock.now()
    world.house.decisions.append(
        [
            replace(d, id=f"f{d.id}", request_id=f"f{d.request_id}", at=since, status=status, score=None)
            for d in decisions
        ]
    )
    run = world.review(since=since)
    assert signal(run, SignalKind.SERVING, "failures").verdict is Verdict.FAIL
    assert any(i.defect is DefectKind.SERVING_FAILURE for i in world.work())


def test_the_same_window_reviewed_twice_says_the_same(world: World) -> None:
    first, second = world.review(), world.review()
    assert first.signals[:18] == second.signals[:18]
    assert (first.conclusion, second.id) == (second.conclusion, "review-mailing-3")


def test_a_window_without_decisions_is_not_reviewed(world: World) -> None:
    before = world.changes()
    with pytest.raises(ConflictError, match="made no decision with offers:1 in this window"):
        world.review(since=world.clock.now() + days(1))
    assert world.changes() == before


def test_where_nothing_is_deployed_nothing_is_reviewed() -> None:
    with pytest.raises(ConflictError, match="nothing is deployed on 'mailing'"):
        at("activated").review()


@pytest.mark.parametrize("who", ["dan", "vera", "rita", "ada"])
def test_a_review_is_started_by_those_whose_role_permits(world: World, who: str) -> None:
    with pytest.raises(NotAllowedError, match="may not review"):
        review_endpoint(world.house, world.who(who), ENDPOINT)


def test_a_review_of_a_young_endpoint_says_what_it_could_not_judge() -> None:
    world = at("serving")
    world.live(30, 5, "few")
    run = world.review()
    assert run.verdict is Verdict.INCONCLUSIVE
    assert "Could not judge" in run.conclusion


def test_a_monitors_item_closes_only_when_a_successor_is_quiet_on_live_traffic(world: World) -> None:
    next_month(world, 13, shift=2.0)
    (item,) = [i for i in world.work() if i.defect is DefectKind.DATA_DRIFT]
    quiet = next_month(world, 16)
    assert all(s.verdict is Verdict.PASS for s in quiet.signals if s.monitor == "data-drift")
    assert state_of(world, item.id) == "open"  # the same version, quiet by chance: nothing was mended

    successor = world.register(parents=(V1,))
    world.activate_fully(successor.id)
    assert state_of(world, item.id) == "open"  # passing gates is not being quiet

    register_endpoint(world.house, world.who("omar"), "second", "offers", "letter")
    deploy(world.house, world.who("omar"), successor.id, "second")
    assert drift_of(second_month(world, 17, shift=2.0)) is Verdict.FAIL
    assert (state_of(world, item.id), seen_in(world, item.id)) == ("open", (V1,))
    assert drift_of(second_month(world, 18)) is Verdict.PASS
    assert state_of(world, item.id) == "open"  # the successor itself shows it now: it takes another one


def test_a_monitors_item_is_closed_by_the_review_of_the_successor(world: World) -> None:
    next_month(world, 13, shift=2.0)
    (item,) = [i for i in world.work() if i.defect is DefectKind.DATA_DRIFT]
    successor = world.register(parents=(V1,))
    world.activate_fully(successor.id)
    register_endpoint(world.house, world.who("omar"), "second", "offers", "letter")
    deploy(world.house, world.who("omar"), successor.id, "second")
    run = second_month(world, 18)
    closed = next(i for i in world.work() if i.id == item.id)
    assert (closed.state.value, closed.closed_by, closed.successor) == ("closed", run.id, successor.id)


def second_month(world: World, seed: int, **about: float) -> ReviewRun:
    """A month on the other endpoint, and its review."""
    since = world.clock.now()
    frame, y = simulate(ROWS, seed, **about)
    names = [f"s{seed}-{i}" for i in range(ROWS)]
    gateway = world.gateway()
    world.ask(gateway, frame, names, "second")
    gateway.close()
    world.clock.advance(days(8))
    now = world.clock.now()
    happened = [Reported(name, value, now) for name, value in zip(names, y.tolist(), strict=True)]
    ingest_outcomes(world.house, world.who("omar"), "second", happened)
    return review_endpoint(world.house, world.who("omar"), "second", since)


def drift_of(run: ReviewRun) -> Verdict:
    return worst(s.verdict for s in run.signals if s.monitor == "data-drift")


def seen_in(world: World, item: str) -> tuple[str, ...]:
    return next(i.seen_in for i in world.work() if i.id == item)


def state_of(world: World, item: str) -> str:
    return next(str(i.state.value) for i in world.work() if i.id == item)
