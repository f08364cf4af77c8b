"""The cast, what they agreed, and how one version is taken through the gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from roadworthy.adapters.clock import SimulatedClock
from roadworthy.apps.story import training_code
from roadworthy.apps.story.history import INPUTS, LEAKING, POSITIVE, TARGET, TIME, History
from roadworthy.apps.story.narrator import Narrator
from roadworthy.domain.gate import GateRun
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.verdict import Verdict
from roadworthy.sdk import Road
from roadworthy.statistics.frame import Array

USE_CASE, ENDPOINT = "bank-campaign", "campaign"
OWNER, SCIENTIST, VALIDATOR, REVIEWER, OPERATOR, AUDITOR = "olga", "dan", "vera", "rita", "omar", "ada"
DEPOSIT_VALUE, CALL_COST = 80, 5
HOLD_OUT, WIDER_HOLD_OUT = 0.05, 0.10
"""Shares decided without the model; the second contract widens it, as a smaller target takes longer to see."""

THRESHOLD = CALL_COST / DEPOSIT_VALUE
"""Break-even: call when the chance of a deposit pays for the call."""

VALUE = f"CASE WHEN acted THEN {DEPOSIT_VALUE} * outcome - {CALL_COST} ELSE 0 END"
CAST = {
    OWNER: "business-owner",
    SCIENTIST: "data-scientist",
    VALIDATOR: "validator",
    REVIEWER: "risk-reviewer",
    OPERATOR: "operator",
    AUDITOR: "auditor",
}


@dataclass
class Stage:
    """Where the story plays: the installation, its clock, the history, and what happened so far.

    `settle` waits until the gateway has loaded what was deployed last: the same story then has the same figures.
    """

    road: Road
    clock: SimulatedClock
    history: History
    tell: Narrator
    settle: Callable[[], None]
    seed: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    def as_(self, person: str) -> Road:
        """The installation, as this person."""
        return self.road.acting_as(person)


@dataclass(frozen=True)
class Split:
    """Rows of the history by what they are for."""

    train: Array
    sealed: Array
    traffic: Array


def split(stage: Stage, rows: Array, shares: tuple[float, float], also_train: Array | None = None) -> Split:
    """Rows at random into sealed test, production sample and training; `also_train` joins the training rows."""
    mixed = np.random.default_rng(stage.seed).permutation(rows)
    first, second = int(len(rows) * shares[0]), int(len(rows) * (shares[0] + shares[1]))
    train = mixed[second:] if also_train is None else np.concatenate([also_train, mixed[second:]])
    return Split(np.sort(train), np.sort(mixed[:first]), np.sort(mixed[first:second]))


def register_data(stage: Stage, parts: Split, name: str) -> dict[str, Dataset]:
    """Register the three data sets of a split; the production sample says when each request arrived."""
    frame, scientist = stage.history.frame, stage.as_(SCIENTIST)
    sample = frame.take(parts.traffic)
    stamped = sample.with_column("arrived_at", arrival_times(sample[TIME]))
    return {
        "train": scientist.data(frame.take(parts.train), USE_CASE, "train", name=f"{name}-train.parquet"),
        "sealed": scientist.data(frame.take(parts.sealed), USE_CASE, "sealed", name=f"{name}-sealed.parquet"),
        "traffic": scientist.data(stamped, USE_CASE, "production", name=f"{name}-traffic.parquet"),
    }


def arrival_times(months: Array) -> Array:
    """The history knows months only: calls are spread evenly over theirs, in the order of the file."""
    times = months.astype("datetime64[us]").copy()
    for month in np.unique(months):
        where = np.flatnonzero(months == month)
        step = timedelta(days=28) / max(1, len(where))
        times[where] += np.arange(len(where)) * np.timedelta64(int(step / timedelta(microseconds=1)), "us")
    return times


def hand_in(stage: Stage, data: dict[str, Dataset], rows: Array, function: str, **about: Any) -> ModelVersion:
    """Train on `rows`, register the version, with the code that trains it again."""
    inputs = about.pop("inputs", INPUTS)
    frame = stage.history.frame.take(rows)
    y = (frame[TARGET] == POSITIVE).astype(np.float64)
    with threadpool_limits(limits=1):
        model = getattr(training_code, function)({n: frame[n] for n in inputs}, y, stage.seed)
    return stage.as_(SCIENTIST).register(
        model,
        USE_CASE,
        train=data["train"],
        threshold=THRESHOLD,
        inputs=list(inputs),
        training=f"{training_code.__file__}:{function}",
        code_revision="story",
        **about,
    )


def hand_in_with_leak(stage: Stage, data: dict[str, Dataset], rows: Array) -> ModelVersion:
    """The first, careless attempt: it uses the call's duration."""
    return hand_in(
        stage, data, rows, "boosted_trees", inputs=(*INPUTS, *LEAKING), name="campaign-draft",
        description="First draft, with the call's duration.",
    )  # fmt: skip


def report(stage: Stage, run: GateRun) -> bool:
    """Tell how a gate went; True when it passed."""
    passed = run.verdict is not None and run.verdict.lets_through
    count = len(run.findings)
    if passed:
        stage.tell.say(f"{run.gate.value}: {count} checks, passed", "good")
        return True
    stage.tell.say(f"{run.gate.value} of {run.version}: {run.verdict.value if run.verdict else 'running'}", "bad")
    for finding in run.findings:
        if finding.blocks and finding.verdict is not Verdict.PASS:
            stage.tell.say(f"  {finding.step.name} {finding.check}: {finding.message}", "bad")
    return False


class GateNotPassedError(AssertionError):
    """The story needs a version to pass, and it did not: the story is wrong, not the platform."""


def through_gates(stage: Stage, version: ModelVersion, data: dict[str, Dataset]) -> None:
    """Validation, an independent signature, release, hand-off, activation."""
    _must(stage, stage.as_(SCIENTIST).validate(version.id))
    stage.as_(VALIDATOR).sign(version.id, reason="Read the findings and the slices; they hold.")
    stage.tell.say(f"{VALIDATOR} (validator, not a developer of {version.id}) signs the evidence", "good")
    _must(stage, stage.as_(REVIEWER).release(version.id, traffic=data["traffic"], endpoint=ENDPOINT))
    stage.as_(OPERATOR).accept(
        version.id,
        service_owner=OPERATOR,
        run_book="Roll back with `roadworthy rollback campaign`; then call omar.",
    )
    _must(stage, stage.as_(OPERATOR).activate(version.id, traffic=data["traffic"], endpoint=ENDPOINT))
    stage.tell.say(f"{version.id} is activated: {OPERATOR} has accepted it, a rollback drill ran", "good")


def _must(stage: Stage, run: GateRun) -> None:
    if not report(stage, run):
        raise GateNotPassedError(f"{run.id}: {run.verdict}")
