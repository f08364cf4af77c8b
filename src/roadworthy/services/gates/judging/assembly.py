"""Making the material where the checks are judged: data frames, a loaded model, a trial inside the perimeter.

Everything here runs in the process that judges, each thing when a check first looks at it and once per run. What
cannot be made (a model that raises, a file that is gone) breaks the checks that look at it, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np

from roadworthy.checks.material import Labelled, Material, Score, TrafficSample, Watched
from roadworthy.checks.runner import run_check
from roadworthy.domain.durable.bench import Judge
from roadworthy.domain.gate import Finding, Gate, PlannedCheck
from roadworthy.domain.model import Dataset
from roadworthy.domain.ports import ArtifactStore, Perimeter, Trial, Workshop
from roadworthy.domain.review import Signal
from roadworthy.domain.serving import Drill, Probe, Scan
from roadworthy.domain.use_case import KpiResult
from roadworthy.monitoring.window import ReviewParams, ReviewWindow, review
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.gates.judging.gather import Records
from roadworthy.services.gates.scoring import retrainer, scorer
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.value.kpi import on_sealed

ARRIVED_AT = "arrived_at"
"""Column of a production sample that says when each request arrived."""

PROBE_ROWS = 200
"""Rows sent one by one through the real endpoint during a trial."""


@dataclass(frozen=True, slots=True)
class GateWorkbench:
    """Implements `bench.Workbench`: what a judging process needs of a house, all of it small enough to send."""

    artifacts: ArtifactStore
    workshop: Workshop
    perimeter: Perimeter

    @contextmanager
    def open(self, records: object) -> Iterator[Judge]:
        """A judge over one run's records; a trial it started ends with the block."""
        known = cast("Records", records)
        with ExitStack() as stack:
            makers = Assembly(self, known, stack).makers()
            yield partial(_judge, known.plain, makers)


def _judge(plain: Material, makers: Mapping[str, Callable[[], object]], planned: PlannedCheck) -> Finding:
    seen: set[str] = set()
    finding = run_check(planned, Watched(plain, makers, seen))
    return replace(finding, looked_at=tuple(sorted(seen)))


class Assembly:
    """Makes what the checks of one run look at, each thing once."""

    def __init__(self, tools: GateWorkbench, records: Records, stack: ExitStack) -> None:
        self._tools = tools
        self._records = records
        self._stack = stack
        self._made: dict[str, object] = {}
        self._trial: Trial | None = None

    def makers(self) -> dict[str, Callable[[], object]]:
        """Field of the material -> what makes it, or gives what it made before (or raises as before)."""
        makers: dict[str, Callable[[], object]] = {
            "train": self.train,
            "sealed": self.sealed,
            "score": self.score,
            "scan": self.scan,
            "champion": self.champion,
            "retrain": self.retrain,
            "kpi": self.kpi,
        }
        if self._records.gate is not Gate.VALIDATION:
            makers |= {
                "production": self.production,
                "traffic": self.traffic,
                "signals": self.signals,
                "transports": self.transports,
            }
        if self._records.gate is Gate.ACTIVATION:
            makers |= {"probe": self.probe, "drill": self.drill}
        return {name: partial(self._once, name, make) for name, make in makers.items()}

    def train(self) -> Labelled:
        """Training rows."""
        return self._labelled(self._records.train)

    def sealed(self) -> Labelled:
        """Sealed rows."""
        return self._labelled(self._records.sealed)

    def production(self) -> Labelled | None:
        """The production sample, when there is one."""
        sample = self._records.production
        return self._labelled(sample) if sample else None

    def score(self) -> Score:
        """The version's own scores."""
        return scorer(self._tools, self._records.version)

    def champion(self) -> Score | None:
        """The scores of what serves now, when something does."""
        champion = self._records.champion
        return scorer(self._tools, champion) if champion else None

    def retrain(self) -> Callable[[int], Score] | None:
        """The training again, when its code was registered."""
        version = self._records.version
        return retrainer(self._tools, version, self._get_train()) if version.training else None

    def scan(self) -> Scan:
        """What the artifact's bytes are."""
        version = self._records.version
        return self._tools.workshop.scan(self._tools.artifacts.fetch(version.artifact, version.files))

    def kpi(self) -> KpiResult | None:
        """What the contract's value comes to: on sealed rows, after validation on the production sample."""
        known = self._records
        rows = self._get_sealed() if known.gate is Gate.VALIDATION else self._get_production()
        if rows is None:
            return None
        scores = self._get_score()(rows.frame)
        return on_sealed(known.contract, rows.frame, rows.y, scores, known.version.threshold)

    def traffic(self) -> TrafficSample | None:
        """The production sample's requests with their arrival times."""
        sample = self._get_production()
        return traffic_sample(sample.frame, self._records.version.signature.names) if sample else None

    def signals(self) -> tuple[Signal, ...] | None:
        """What the monitors conclude about the production sample."""
        sample, version = self._get_production(), self._records.version
        if sample is None:
            return None
        # Sealed rows, not training rows: on those every model looks better than it is.
        reference, score, names = self._get_sealed(), self._get_score(), version.signature.names
        window = ReviewWindow(
            reference=reference.frame.select(names),
            reference_scores=score(reference.frame),
            reference_y=reference.y,
            inputs=sample.frame.select(names),
            scores=score(sample.frame),
            y=sample.y,
            held_out=np.zeros(sample.frame.n_rows, dtype=np.bool_),
        )
        return review(window, ReviewParams(threshold=version.threshold))

    def transports(self) -> dict[str, Score]:
        """The same model reached through REST, in code and in batch."""
        trial, names = self._open_trial(), self._records.version.signature.names

        def through(send: Callable[..., Floats]) -> Score:
            def score(frame: Frame) -> Floats:
                return np.asarray(send(frame.select(names).columns), dtype=np.float64)

            return score

        return {"rest": through(trial.rest), "in-code": through(trial.in_code), "batch": through(trial.batch)}

    def probe(self) -> Probe:
        """What came back when rows were sent one by one."""
        return self._open_trial().probe(self._pack())

    def drill(self) -> Drill:
        """How a rollback under traffic went."""
        return self._open_trial().drill(self._pack())

    def _pack(self) -> Mapping[str, object]:
        rows = self._get_production() or self._get_sealed()
        chosen = rows.frame.select(self._records.version.signature.names)
        return chosen.take(np.arange(min(PROBE_ROWS, rows.frame.n_rows))).columns

    def _open_trial(self) -> Trial:
        if self._trial is None:
            version = self._records.version
            artifact = self._tools.artifacts.fetch(version.artifact, version.files)
            self._trial = self._stack.enter_context(self._tools.perimeter.open(version, artifact))
        return self._trial

    def _labelled(self, dataset: Dataset) -> Labelled:
        frame, y = load_dataset(self._tools, dataset, self._records.case)
        return Labelled(frame=frame, y=y, dataset=dataset)

    def _get_train(self) -> Labelled:
        return cast("Labelled", self._once("train", self.train))

    def _get_sealed(self) -> Labelled:
        return cast("Labelled", self._once("sealed", self.sealed))

    def _get_production(self) -> Labelled | None:
        return cast("Labelled | None", self._once("production", self.production))

    def _get_score(self) -> Score:
        return cast("Score", self._once("score", self.score))

    def _once(self, name: str, make: Callable[[], object]) -> object:
        if name not in self._made:
            try:
                self._made[name] = make()
            except Exception as problem:  # noqa: BLE001 - a model or a file may raise anything
                self._made[name] = _Failed(problem)
        found = self._made[name]
        if isinstance(found, _Failed):
            raise found.problem
        return found


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why something could not be made; raised again at every look."""

    problem: Exception


def traffic_sample(frame: Frame, names: tuple[str, ...]) -> TrafficSample | None:
    """Requests with their arrival times, when the sample says when they arrived."""
    if ARRIVED_AT not in frame:
        return None
    arrived = frame[ARRIVED_AT]
    if arrived.dtype.kind == "M":
        seconds = (arrived - arrived.min()).astype("timedelta64[us]").astype(np.float64) / 1e6
    else:
        seconds = frame.floats(ARRIVED_AT)
    return TrafficSample(frame=frame.select(names), arrivals_s=seconds)
