"""A small world for check tests: simulated customers, a real fitted model, and the papers a gate wants to see.

`make_material()` is a version that deserves to pass; each test overrides the one thing it is about:
`make_material(sealed=None)`, `make_material(version=replace(world.version, developers=("vera",)))`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from roadworthy.checks.material import Labelled, Material, Score, TrafficSample
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
    Bound,
    DecisionPoint,
    DecisionPointKind,
    Interval,
    KpiContract,
    KpiLimit,
    KpiResult,
    LimitResult,
    Measured,
    RiskTier,
    UseCase,
)
from roadworthy.statistics.frame import Array, Floats, Frame

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANNELS = ("branch", "phone", "web")
EFFECTS = {"branch": -0.6, "phone": 0.0, "web": 0.7}
INPUTS = ("age", "balance", "tenure", "visits", "channel")


@dataclass(frozen=True)
class World:
    """The parts of the default material, for tests that change one of them."""

    use_case: UseCase
    version: ModelVersion
    contract: KpiContract
    contract_evidence: Evidence
    kpi: KpiResult
    train: Labelled
    sealed: Labelled
    production: Labelled
    score: Score
    retrain: Callable[[int], Score]


def _dataset(role: DatasetRole, rows: int, columns: tuple[str, ...]) -> Dataset:
    name = role.name.lower()
    return Dataset(
        id=f"data-{name}",
        use_case="offers",
        role=role,
        digest="sha256:" + name.encode().hex().ljust(64, "0"),
        rows=rows,
        columns=columns,
        source=f"simulated customers, {name}",
        created_at=NOW,
    )


def simulate(rows: int, seed: int, role: DatasetRole = DatasetRole.SEALED) -> Labelled:
    """Customers and whether they took the offer (about 30 %); the true log-odds are linear in the inputs."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, rows)
    balance = rng.lognormal(7.0, 0.8, rows)
    tenure = rng.gamma(2.0, 3.0, rows)
    visits = rng.poisson(4.0, rows)
    channel = np.empty(rows, dtype=object)
    channel[:] = rng.choice(CHANNELS, rows).tolist()
    gender = np.empty(rows, dtype=object)
    gender[:] = rng.choice(["f", "m"], rows).tolist()
    log_odds = (
        -1.3
        + 0.03 * (age - 49)
        + 0.9 * (np.log(balance) - 7.0)
        - 0.12 * (tenure - 6.0)
        + 0.25 * (visits - 4)
        + np.array([EFFECTS[c] for c in channel])
    )
    y = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)
    balance[rng.random(rows) < 0.02] = np.nan
    start = np.datetime64("2025-01-01T00:00:00", "us")
    frame = Frame(
        {
            "age": age.astype(np.int64),
            "balance": balance,
            "tenure": tenure,
            "visits": visits.astype(np.int64),
            "channel": channel,
            "gender": gender,
            "at": start + np.arange(rows) * np.timedelta64(600, "s"),
        }
    )
    return Labelled(frame, y, _dataset(role, rows, (*frame.names, "took_offer")))


def matrix(frame: Frame) -> Floats:
    """The model's inputs as numbers, shape (n_rows, 7); an unknown channel is all zeros."""
    balance = np.log(np.maximum(frame.floats("balance"), 1e-9))
    columns: list[Array] = [frame.floats("age"), balance, frame.floats("tenure"), frame.floats("visits")]
    columns += [(frame["channel"] == c).astype(np.float64) for c in CHANNELS]
    return np.column_stack(columns)


def fitted(train: Labelled, seed: int) -> Score:
    """A real scikit-learn model fitted on `train`; answers a score in 0..1 per row."""
    model: Pipeline = make_pipeline(
        SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500, random_state=seed)
    )
    model.fit(matrix(train.frame), train.y)

    def score(frame: Frame) -> Floats:
        if frame.n_rows == 0:
            return np.zeros(0)
        frame.require(INPUTS, "the input")
        return np.asarray(model.predict_proba(matrix(frame))[:, 1], dtype=np.float64)

    return score


def signature_of(train: Labelled) -> Signature:
    """The signature a registration would write down for the training data."""
    numbers = ("age", "balance", "tenure", "visits")
    kinds = {"age": DType.INT64, "visits": DType.INT64}
    specs = [
        ColumnSpec(
            name,
            kinds.get(name, DType.FP64),
            missing_allowed=name == "balance",
            low=float(np.nanmin(train.frame.floats(name))),
            high=float(np.nanmax(train.frame.floats(name))),
        )
        for name in numbers
    ]
    return Signature((*specs, ColumnSpec("channel", DType.BYTES, categories=CHANNELS)))


def _use_case() -> UseCase:
    return UseCase(
        id="offers",
        objective="Offer the savings plan to customers who will take it",
        owner="olga",
        risk_tier=RiskTier.MEDIUM,
        target="took_offer",
        positive_label="yes",
        label_delay_days=14.0,
        decision_points=(DecisionPoint("campaign", DecisionPointKind.APPLICATION, "mailer"),),
        created_at=NOW,
        sensitive=("gender",),
        segments=("channel",),
        time_column="at",
    )


def _version(train: Labelled) -> ModelVersion:
    return ModelVersion(
        id="offers-1",
        use_case="offers",
        name="offers",
        number=1,
        artifact="sha256:" + "a" * 64,
        format=ArtifactFormat.SKOPS,
        signature=signature_of(train),
        threshold=0.3,
        developers=("dora", "dan"),
        train_dataset="data-train",
        created_at=NOW,
        original_variables=("age", "balance", "tenure", "visits", "channel"),
        code_revision="0123abc",
        training="offers.training:train",
        description="Logistic regression on five columns",
        environment={"scikit-learn": "1.6"},
    )


def _contract() -> KpiContract:
    return KpiContract(
        id="offers-kpi-1",
        use_case="offers",
        revision=1,
        unit="EUR",
        value="acted * (outcome * 40 - 6)",
        target=0.50,
        guardrails=(KpiLimit("contact-rate", "acted", Bound.AT_MOST, 0.60, "share"),),
        unintended=(KpiLimit("wasted-offers", "acted * (1 - outcome)", Bound.AT_MOST, 0.40, "share"),),
        holdout_share=0.05,
        holdout_acts=False,
        created_at=NOW,
    )


def measured(name: str, value: float, half: float, unit: str = "EUR", n: int = 1500) -> Measured:
    """A number with a symmetric 95 % interval."""
    return Measured(name, value, unit, n, Interval(value - half, value + half))


def _kpi(contract: KpiContract) -> KpiResult:
    return KpiResult(
        contract=contract.id,
        value=measured("value", 2.1, 0.3),
        holdout=measured("hold-out", 0.0, 0.0),
        contrast=measured("contrast", 2.1, 0.3),
        limits=(
            LimitResult(contract.guardrails[0], measured("contact-rate", 0.45, 0.03, "share")),
            LimitResult(contract.unintended[0], measured("wasted-offers", 0.22, 0.03, "share")),
        ),
    )


@lru_cache(maxsize=1)
def _world() -> World:
    train = simulate(3000, 1, DatasetRole.TRAIN)
    contract = _contract()
    evidence = Evidence(
        id="e" * 64,
        kind=EvidenceKind.KPI_CONTRACT,
        subject=contract.id,
        version="",
        signer="olga",
        envelope="{}",
        created_at=NOW,
    )
    return World(
        use_case=_use_case(),
        version=_version(train),
        contract=contract,
        contract_evidence=evidence,
        kpi=_kpi(contract),
        train=train,
        sealed=simulate(4000, 2, DatasetRole.SEALED),
        production=simulate(1500, 3, DatasetRole.PRODUCTION),
        score=fitted(train, 0),
        retrain=lambda seed: fitted(train, seed),
    )


def look(number: int) -> SealedLook:
    """The look with this number at the sealed data."""
    return SealedLook(
        f"look-{number}", "data-sealed", "offers-1", "offers-1", f"run-{number}", "dora", NOW, number, ""
    )


@pytest.fixture(scope="session")
def make_look() -> Callable[[int], SealedLook]:
    """`make_look(number)`: one look at the sealed data."""
    return look


@pytest.fixture(scope="session")
def world() -> World:
    """The parts of the default material."""
    return _world()


@pytest.fixture(scope="session")
def make_labelled() -> Callable[..., Labelled]:
    """`make_labelled(rows, seed, role=...)`: more customers of the same kind."""
    return simulate


@pytest.fixture(scope="session")
def make_material(world: World) -> Callable[..., Material]:
    """`make_material(**overrides)`: a version that deserves to pass, with fields of `Material` replaced."""
    arrivals = np.arange(world.production.frame.n_rows, dtype=np.float64) * 2.0
    base = Material(
        now=NOW,
        seed=7,
        use_case=world.use_case,
        version=world.version,
        contract=world.contract,
        contract_evidence=world.contract_evidence,
        train=world.train,
        sealed=world.sealed,
        production=world.production,
        traffic=TrafficSample(world.production.frame.select(world.version.signature.names), arrivals),
        score=world.score,
        retrain=world.retrain,
        kpi=world.kpi,
        validators=("vera",),
        looks=(look(1),),
    )

    def build(**overrides: Any) -> Material:
        return replace(base, **overrides)

    return build
