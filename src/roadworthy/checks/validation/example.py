"""The small world in which the checks' examples run: 2,000 simulated customers and a model that deserves to pass.

Nothing outside the documentation's examples may rest on it: numbers are drawn, not observed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from roadworthy.checks.material import Labelled, Material
from roadworthy.domain.model import (
    ArtifactFormat,
    ColumnSpec,
    Dataset,
    DatasetRole,
    DType,
    ModelVersion,
    SealedLook,
    Signature,
)
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.domain.use_case import (
    DecisionPoint,
    DecisionPointKind,
    Interval,
    KpiContract,
    KpiResult,
    Measured,
    RiskTier,
    UseCase,
)
from roadworthy.statistics.frame import Floats, Frame

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def logistic(frame: Frame) -> Floats:
    """The example's model: P(accepts) as a function of age and visits, shape (n_rows,)."""
    log_odds = 0.08 * (frame.floats("age") - 50.0) + 0.5 * (frame.floats("visits") - 4.0)
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)


def customers(role: DatasetRole, rows: int = 2000) -> Labelled:
    """Simulated customers with the answers that `logistic` predicts; each role has its own rows."""
    rng = np.random.default_rng(list(DatasetRole).index(role))
    group = np.empty(rows, dtype=object)
    group[:] = rng.choice(["a", "b"], rows).tolist()
    frame = Frame(
        {
            "age": rng.integers(18, 83, rows).astype(np.int64),
            "visits": rng.gamma(4.0, 1.0, rows),
            "group": group,
        }
    )
    y = (rng.random(rows) < logistic(frame)).astype(np.float64)
    name = role.name.lower()
    made = Dataset(name, "offers", role, f"sha256:{name}", rows, frame.names, f"simulated {name}", NOW)
    return Labelled(frame, y, made)


def material(**overrides: Any) -> Material:
    """Material of a version that deserves to pass, with the fields of `Material` in `overrides` replaced."""
    whole = Material(
        now=NOW,
        seed=1,
        use_case=_use_case(),
        version=_version(),
        contract=_contract(),
        contract_evidence=Evidence("e1", EvidenceKind.KPI_CONTRACT, "sha256:contract", "", "olga", "{}", NOW),
        train=customers(DatasetRole.TRAIN),
        sealed=customers(DatasetRole.SEALED),
        score=logistic,
        retrain=lambda _seed: logistic,
        kpi=KpiResult("kpi-1", _money(2.0), _money(0.5), _money(1.5)),
        validators=("vera",),
        looks=(SealedLook("l1", "sealed", "offers-1", "offers-1", "run-1", "dora", NOW, 1, "validation"),),
    )
    return replace(whole, **overrides)


def _money(value: float) -> Measured:
    return Measured("value", value, "EUR", 2000, Interval(value - 0.2, value + 0.2))


def _use_case() -> UseCase:
    return UseCase(
        id="offers",
        objective="Offer the plan to those who will take it",
        owner="olga",
        risk_tier=RiskTier.MEDIUM,
        target="accepts",
        positive_label="yes",
        label_delay_days=7.0,
        decision_points=(DecisionPoint("mailing", DecisionPointKind.APPLICATION, "mailer"),),
        created_at=NOW,
        sensitive=("group",),
        segments=("group",),
    )


def _version() -> ModelVersion:
    return ModelVersion(
        id="offers-1",
        use_case="offers",
        name="offers",
        number=1,
        artifact="sha256:model",
        format=ArtifactFormat.ONNX,
        signature=Signature(
            (
                ColumnSpec("age", DType.INT64, low=18.0, high=82.0),
                ColumnSpec("visits", DType.FP64, low=0.0, high=40.0),
            )
        ),
        threshold=0.5,
        developers=("dora",),
        train_dataset="train",
        created_at=NOW,
        original_variables=("age", "visits"),
        code_revision="4f2c",
    )


def _contract() -> KpiContract:
    return KpiContract("kpi-1", "offers", 1, "EUR", "acted * (outcome * 8 - 3)", 1.0, (), (), 0.05, False, NOW)
