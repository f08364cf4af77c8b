"""Benchmark rows 3 and 4: does the canary rule stop bad versions early, and leave good ones alone?

Traffic is simulated request by request in aggregate: per tick (some canary requests) binomial requests and
failures per arm, failures in random order. Every decision is the product's own `look`; moves are its own
`strategies`. Run: `python benchmarks/statistics/canary.py [--quick] [--seed N]`.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import scipy

from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.domain.verdict import Verdict
from roadworthy.rollout import moves
from roadworthy.rollout.canary import Action, CanaryDecision, CanaryRule, CanaryView, Reason, look
from roadworthy.rollout.canary_evidence import ArmCounts, FailureEvidence
from roadworthy.rollout.failure_e_process import FailureEvent, observe, safety_test
from roadworthy.statistics.proportions import clopper_pearson

SCHEDULE = (0.01, 0.05, 0.10, 0.25, 0.50)
NOTHING = ArmCounts()
MOST_REQUESTS = 40_000
START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = CanaryRule(min_requests=400, advance_unproven=True)
"""The schedule climbs on volume alone here, so that it is the harm test that has to stop a bad canary."""


@dataclass
class Run:
    """One rollout in progress."""

    deployment: Deployment
    failures: list[FailureEvent]
    requests: ArmCounts = NOTHING
    in_stage: ArmCounts = NOTHING
    now: datetime = START
    before: FailureEvidence | None = None

    @property
    def share(self) -> float:
        return SCHEDULE[min(self.deployment.stage, len(SCHEDULE) - 1)]

    def view(self) -> CanaryView:
        since = self.deployment.stage_since or START
        return CanaryView(
            schedule=SCHEDULE,
            stage=self.deployment.stage,
            stage_since=since,
            now=self.now,
            failures=tuple(self.failures),
            requests=self.requests,
            stage_requests=self.in_stage,
            before=self.before,
        )


@dataclass(frozen=True)
class Result:
    """How one rollout ended; failures served are the canary's."""

    state: DeploymentState
    decision: CanaryDecision | None
    canary_requests: int
    canary_failures: int


def fresh_run() -> Run:
    arms = (Arm("old", ArmRole.CHAMPION, 1.0, "v1"), Arm("new", ArmRole.CHALLENGER, 0.0, "v2"))
    plan = Deployment(
        "d",
        "e",
        Strategy.CANARY,
        arms,
        "salt",
        False,
        DeploymentState.PROGRESSING,
        START,
        "bench",
        schedule=SCHEDULE,
    )
    return Run(moves.start(plan, START), [])


def tick(run: Run, bad: float, good: float, size: int, rng: np.random.Generator) -> int:
    """Serve about `size` canary requests; how many failures came."""
    total = max(1, round(size / run.share))
    canary = int(rng.binomial(total, run.share))
    failed = int(rng.binomial(canary, bad))
    others = int(rng.binomial(total - canary, good))
    order = rng.permutation(np.arange(failed + others) < failed)
    run.failures += [FailureEvent(run.share, bool(own)) for own in order]
    run.requests = ArmCounts(run.requests.champion + total - canary, run.requests.canary + canary)
    run.in_stage = ArmCounts(run.in_stage.champion + total - canary, run.in_stage.canary + canary)
    run.now += timedelta(minutes=1)
    return failed + others


def apply(run: Run, decision: CanaryDecision) -> None:
    by_action: dict[Action, Callable[[Deployment, datetime, str], Deployment]] = {
        Action.ADVANCE: moves.advance,
        Action.PROMOTE: moves.promote,
        Action.PAUSE: moves.pause,
        Action.ROLL_BACK: moves.roll_back,
    }
    if decision.action in by_action:
        run.deployment = by_action[decision.action](run.deployment, run.now, decision.sentence)
        run.in_stage = NOTHING


def roll_out(
    bad: float, good: float, rng: np.random.Generator, rule: CanaryRule, size: int, turns_at: int = 0
) -> Result:
    """One whole rollout in ticks of `size` canary requests; the canary turns bad after `turns_at` of them.

    Only the sharpness of the request counts depends on `size`: the rule judges harm after every failure.
    """
    run, decision = fresh_run(), None
    while run.deployment.state is DeploymentState.PROGRESSING and run.requests.canary < MOST_REQUESTS:
        failed = tick(run, bad if run.requests.canary >= turns_at else good, good, size, rng)
        if failed or run.in_stage.canary >= rule.min_requests:
            decision = look(run.view(), rule)
            run.before, run.failures = decision.evidence, []
            apply(run, decision)
    mine = run.before.failures.canary if run.before else 0
    return Result(run.deployment.state, decision, run.requests.canary, mine)


def limit95(hits: int, n: int) -> str:
    """A rate with its one-sided 95 % upper limit."""
    return f"{hits / n:.2%} (<= {clopper_pearson(hits, n, 0.90).high:.2%})"


def bad_canaries(runs: int, rng: np.random.Generator) -> None:
    print("\nRow 3: bad canaries\n")
    print("| failures | runs | rolled back | q50 / q95 / q99 canary requests | q99 failures served | criterion |")
    print("|---|---|---|---|---|---|")
    for bad, wanted in ((0.05, "q99 <= 400, served <= 12"), (0.02, "q95 <= 3,200")):
        # One that is not stopped within the schedule (5 x 400 or 5 x 1,000 canary requests) counts as promoted.
        rule = replace(RULE, min_requests=400 if bad > 0.02 else 1000)
        results = [roll_out(bad, 0.01, rng, rule, size=4 if bad > 0.02 else 20) for _ in range(runs)]
        back = sum(r.state is DeploymentState.ROLLED_BACK for r in results)
        n = [r.canary_requests for r in results]
        served = np.quantile([r.canary_failures for r in results], 0.99)
        q = " / ".join(f"{v:.0f}" for v in np.quantile(n, [0.5, 0.95, 0.99]))
        print(f"| 1 % -> {bad:.0%} | {runs} | {back / runs:.2%} | {q} | {served:.0f} | {wanted} |")
    late_canaries(runs, rng)


def late_canaries(runs: int, rng: np.random.Generator) -> None:
    """Ours, not in the reference table: good for 2,000 canary requests, then bad."""
    rule = replace(RULE, min_requests=1000)
    results = [roll_out(0.05, 0.01, rng, rule, size=10, turns_at=2000) for _ in range(runs)]
    caught = [r.canary_requests - 2000 for r in results if r.canary_requests >= 2000]
    back = sum(r.state is DeploymentState.ROLLED_BACK and r.canary_requests >= 2000 for r in results)
    q = " / ".join(f"{v:.0f}" for v in np.quantile(caught, [0.5, 0.95, 0.99]))
    print(f"| 1 % -> 5% after 2,000 | {len(caught)} | {back / len(caught):.2%} | {q} after it | - | reported |")


def good_canaries(runs: int, rng: np.random.Generator) -> None:
    print("\nRow 4a: good canaries, advancing on volume; the schedule ends in promotion\n")
    print("| failure rate of both | runs | false rollbacks | promoted | criterion |")
    print("|---|---|---|---|---|")
    for rate in (0.01, 0.05, 0.001, 0.0):
        results = [roll_out(rate, rate, rng, RULE, size=200) for _ in range(runs)]
        back = sum(r.state is DeploymentState.ROLLED_BACK for r in results)
        up = sum(r.state is DeploymentState.STABLE for r in results)
        print(f"| {rate:.1%} | {runs} | {limit95(back, runs)} | {up / runs:.1%} | <= 5 % |")


def proof_of_safety(runs: int, rng: np.random.Generator) -> None:
    """Requests until "less than twice the failures" is proven at share 10 %: the test alone, and the rule's E."""
    print("\nRow 4b: canary requests until safety is proven at share 10 %, both arms at 1 %\n")
    print("| evidence | E needed | runs | median | q90 | criterion |")
    print("|---|---|---|---|---|---|")
    for name, needed in (("relative e-process alone", 20.0), ("the rule: 0.8 of the evidence", 25.0)):
        n = [_requests_to_proof(0.1, 0.01, needed, rng) for _ in range(runs)]
        print(f"| {name} | {needed:g} | {runs} | {np.median(n):.0f} | {np.quantile(n, 0.9):.0f} | <= 1,200 |")


def _requests_to_proof(share: float, rate: float, needed: float, rng: np.random.Generator) -> float:
    test, canary = safety_test(2.0), 0
    for _ in range(20_000):
        gap = int(rng.geometric(rate))
        own = bool(rng.random() < share)
        canary += int(rng.binomial(gap - 1, share)) + own
        test = observe(test, [FailureEvent(share, own)])
        if test.log_e >= math.log(needed):
            return canary
    return math.inf


def faults(runs: int, rng: np.random.Generator) -> None:
    """A rollout that would be promoted on its next look, broken in one way each."""
    print("\nRow 4c: promotions under fault\n")
    print("| fault | runs | promoted or advanced | inconclusive with a reason | reasons |")
    print("|---|---|---|---|---|")
    kinds: dict[str, Callable[[CanaryView], CanaryView]] = {
        "(control: no fault)": lambda v: v,
        "no data": lambda v: replace(v, stage_requests=ArmCounts(), requests=ArmCounts(), failures=()),
        "NaN": lambda v: replace(v, failures=(*v.failures, FailureEvent(math.nan, False))),
        "metric outage": lambda v: replace(v, outages=("failures",)),
        "stage timeout, no traffic": lambda v: replace(
            v, stage_requests=ArmCounts(), now=v.stage_since + timedelta(hours=48)
        ),
        "early termination": lambda v: replace(v, terminated=True),
        "clock ran backwards": lambda v: replace(v, now=v.stage_since - timedelta(hours=1)),
    }
    for name, broken in kinds.items():
        decisions = [look(broken(_ready_view(rng)), RULE) for _ in range(runs // len(kinds))]
        _print_fault(name, decisions)
    same = [_restart_is_harmless(rng) for _ in range(runs // len(kinds))]
    print(f"| restart of the controller | {len(same)} | same decision in {sum(same) / len(same):.0%} | - | - |")


def _ready_view(rng: np.random.Generator) -> CanaryView:
    own = rng.random(60) < 0.3
    return CanaryView(
        schedule=SCHEDULE,
        stage=len(SCHEDULE) - 1,
        stage_since=START,
        now=START + timedelta(hours=1),
        failures=tuple(FailureEvent(0.5, bool(y)) for y in own),
        requests=ArmCounts(6000, 6000),
        stage_requests=ArmCounts(5000, 5000),
    )


def _print_fault(name: str, decisions: list[CanaryDecision]) -> None:
    forward = sum(d.action in (Action.ADVANCE, Action.PROMOTE) for d in decisions)
    unclear = sum(d.verdict is Verdict.INCONCLUSIVE and isinstance(d.reason, Reason) for d in decisions)
    reasons = ", ".join(f"{r} {n}" for r, n in Counter(d.reason.value for d in decisions).items())
    print(f"| {name} | {len(decisions)} | {forward} | {unclear} | {reasons} |")


def _restart_is_harmless(rng: np.random.Generator) -> bool:
    """A controller that starts over decides as one that goes on from stored evidence."""
    view = _ready_view(rng)
    cut = int(rng.integers(0, len(view.failures) + 1))
    before = look(replace(view, failures=view.failures[:cut]), RULE).evidence
    return look(view, RULE) == look(replace(view, failures=view.failures[cut:], before=before), RULE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--seed", type=int, default=20260101)
    options = parser.parse_args()
    runs, rng = (200 if options.quick else 2000), np.random.default_rng(options.seed)
    began = time.perf_counter()
    print(
        f"Canary benchmark, {runs} runs, seed {options.seed}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}"
    )
    bad_canaries(runs, rng)
    good_canaries(runs, rng)
    proof_of_safety(runs, rng)
    faults(runs // 2, rng)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
