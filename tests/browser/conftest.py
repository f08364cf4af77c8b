"""A real house with one model's life in it, served behind its real door, and a real browser in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from roadworthy.adapters.clock import SimulatedClock
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import Control
from roadworthy.apps.full import open_full
from roadworthy.apps.settings import Settings
from roadworthy.domain.gate import Finding, Gate, GateRun, Step, steps_of
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DatasetRole, DType, ModelVersion, Signature
from roadworthy.domain.returns import DefectKind, DevelopmentStep, WorkItem, WorkItemState
from roadworthy.domain.review import LedgerEntry, ReviewRun, Signal, SignalKind
from roadworthy.domain.serving import (
    Arm,
    ArmRole,
    Decision,
    DecisionStatus,
    Deployment,
    DeploymentState,
    Endpoint,
    RolloutLook,
    Strategy,
)
from roadworthy.domain.trust import EvidenceKind, HandOff, SignOff
from roadworthy.domain.use_case import DecisionPoint, DecisionPointKind, Interval, RiskTier, UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.statements import hand_off_statement, sign_off_statement
from roadworthy.services.catalog.contracts import KpiTerms, agree_contract
from roadworthy.services.catalog.datasets import count_read, register_dataset
from roadworthy.services.catalog.people import add_person
from roadworthy.services.catalog.use_cases import register_use_case
from roadworthy.services.house import House

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
NOW = datetime(2030, 3, 1, 9, tzinfo=UTC)
PEOPLE = {"olga": "business-owner", "dan": "data-scientist", "vera": "validator", "omar": "operator"}
ADVANCED = "Advance at share 0.25: safety is proven."
HOSTILE = "<img src=x onerror=alert(1)> & Co"


@dataclass
class Served:
    """A house behind its door. `token` opens it."""

    control: Control
    url: str

    @property
    def house(self) -> House:
        return self.control.house

    @property
    def entrance(self) -> str:
        return f"{self.url}/?token={self.control.token}"


@dataclass
class Watched:
    """What the browser did while tests drove it: requests that left this machine, and complaints on its console."""

    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("request", lambda r: self._request(r.url))
        context.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        context.on("weberror", lambda e: self.complaints.append(str(e.error)))
        context.on("page", lambda p: p.on("websocket", lambda w: self._request(w.url)))

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.outside.append(url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser per file: while its driver lives, this thread has a running event loop, which others may need."""
    if shutil.which("chromium") is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium here: run scripts/browser")
        pytest.skip("no chromium here: run scripts/browser")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(workspace=tmp_path_factory.mktemp("house"))
    clock = SimulatedClock(NOW - timedelta(days=40))
    with open_full(settings, clock, InlineEngine()) as control, BackgroundServer(control.app) as server:
        furnish(control.house, clock)
        yield Served(control, server.url)


@pytest.fixture(scope="session")
def watched() -> Watched:
    return Watched()


@pytest.fixture(scope="module")
def inside(browser: Browser, served: Served, watched: Watched) -> Iterator[BrowserContext]:
    """A browser that has passed the door."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=served.url)
    watched.watch(context)
    page = context.new_page()
    page.goto(served.entrance)
    page.get_by_role("heading", level=1).wait_for()
    page.close()
    yield context
    context.close()


@pytest.fixture(autouse=True)
def _nothing_complains_and_nothing_leaves_this_machine(watched: Watched) -> Iterator[None]:
    yield
    complaints, outside = watched.complaints[:], watched.outside[:]
    watched.complaints.clear()
    watched.outside.clear()
    assert complaints == []
    assert outside == []


@pytest.fixture
def page(inside: BrowserContext) -> Iterator[Page]:
    """A page of one test's own, behind the door."""
    page = inside.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def read(inside: BrowserContext) -> Iterator[Page]:
    """A page that the tests of one file only read, loaded once by the file's own fixture."""
    page = inside.new_page()
    yield page
    page.close()


def furnish(house: House, clock: SimulatedClock) -> None:
    """One model's life: a good version, a canary, one under validation, one sent back, one just registered."""
    admin = house.person("admin")
    for name, role in PEOPLE.items():
        add_person(house, admin, name, [role])
    point = DecisionPoint("desk", DecisionPointKind.PROCESS, "the service desk")
    case = UseCase("churn", "Keep the customers worth keeping", "olga", RiskTier.LOW, "churned", "1", 7.0,
                   (point,), house.clock.now(), segments=("region",))  # fmt: skip
    register_use_case(house, admin, case)
    dan = house.person("dan")
    train = register_dataset(house, dan, "churn", DatasetRole.TRAIN, _csv(0), "train.csv")
    sealed = register_dataset(house, dan, "churn", DatasetRole.SEALED, _csv(1), "sealed.csv")
    with house.store.begin() as tx:
        count_read(house, tx, "dan", sealed.id, "validation of churn:1")
    terms = KpiTerms(
        "churn", "EUR", "CASE WHEN acted THEN 50 * outcome - 4 ELSE 0 END", 0.5, 0.1, holdout_acts=False
    )
    agree_contract(house, house.person("olga"), terms)
    for number, (state, text) in enumerate(VERSIONS, 1):
        _register(house, _version(number, state, text, train.id, house.clock.now()))
    clock.set(NOW - timedelta(days=30))
    _judge(house)
    _serve(house)
    clock.set(NOW)
    _watch(house)


VERSIONS = (
    (State.ACTIVATED, "Who leaves, from what is known today."),
    (State.ACTIVATED, "The same, with the new tariff."),
    (State.VALIDATING, "Being judged right now."),
    (State.RETURNED, "Used what is known only afterwards."),
    (State.REGISTERED, HOSTILE),
)


def _csv(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    rows = [f"{a},{r},{int(y)}" for a, r, y in zip(rng.integers(18, 90, 80), rng.choice(["north", "south"], 80),
                                                 rng.random(80) < 0.4, strict=True)]  # fmt: skip
    return ("age,region,churned\n" + "\n".join(rows)).encode()


def _version(number: int, state: State, text: str, train: str, at: datetime) -> ModelVersion:
    inputs = (
        ColumnSpec("age", DType.INT64, low=18, high=89),
        ColumnSpec("region", DType.BYTES, categories=("north",)),
    )
    return ModelVersion(f"churn:{number}", "churn", "churn", number, f"{number}" * 64, ArtifactFormat.SKOPS,
                        Signature(inputs), 0.3, ("dan",), train, at, state, description=text,
                        parents=("churn:1",) if number == 2 else (), environment={"numpy": "2.0"})  # fmt: skip


def _register(house: House, version: ModelVersion) -> None:
    with house.store.begin() as tx:
        tx.of(ModelVersion).add(version)
        house.record(tx, "dan", "version-registered", version.id, version.description)


def _finding(step: Step, verdict: Verdict = Verdict.PASS, **about: object) -> Finding:
    plain = Finding(step, f"check-{step.name.lower()}", 1, verdict, f"{step.value}: {verdict.value}.")
    return replace(plain, **about)  # type: ignore[arg-type]  # the tests' own shorthand


CALIBRATION = [{"low": k / 5, "high": (k + 1) / 5, "mean_score": k / 5 + 0.1, "rate": k / 5 + 0.12, "n": 40 + k}
               for k in range(5)]  # fmt: skip
AUC = {"statistic": 0.81, "interval": Interval(0.78, 0.84), "threshold": 0.7, "unit": "AUC", "rows": 4000}


def _findings(gate: Gate) -> tuple[Finding, ...]:
    found = {step: _finding(step) for step in steps_of(gate)}
    special = {
        Step.V1: _finding(Step.V1, check="kpi-contract", message="The model earns 1.2 EUR more.", statistic=1.2,
                          interval=Interval(0.6, 1.8), threshold=0.5, unit="EUR", rows=4000),
        Step.V2: _finding(Step.V2, Verdict.WARN, check="calibrated", message="Slightly off at the top.", **AUC,
                          details={"table": CALIBRATION, "slope": 1.1}),
        Step.V4: _finding(Step.V4, check="explanation", details={"importance": [
            {"column": "age", "mean": 0.2, "low": 0.1, "high": 0.3}, {"column": "region", "mean": 0.1, "low": 0.0,
                                                                     "high": 0.2}]}),
        Step.V5: _finding(Step.V5, Verdict.INCONCLUSIVE, check="fairness", message="Too few rows of one group.",
                          waived="Accepted for a pilot of four weeks."),
        Step.V8: _finding(Step.V8, Verdict.ERROR, check="reproducible", message="The training code could not run.",
                          waived="The code is archived elsewhere."),
    }  # fmt: skip
    return tuple((found | {s: f for s, f in special.items() if s.gate is gate}).values())


def _judge(house: House) -> None:
    for number in (1, 2):
        for gate in Gate:
            _run(house, f"churn:{number}", gate, _findings(gate), Verdict.WARN)
    leak = _finding(Step.V2, Verdict.FAIL, check="leakage", message="The model uses what is not known: region.",
                    defect=DefectKind.LEAKAGE)  # fmt: skip
    _run(house, "churn:4", Gate.VALIDATION, (leak,), Verdict.FAIL)
    _run(house, "churn:3", Gate.VALIDATION, (_finding(Step.V1),), None)
    items = (
        ("churn:4", DefectKind.LEAKAGE, DevelopmentStep.DATA_PREPARATION, "V2 leakage", WorkItemState.OPEN),
        (
            "churn:2",
            DefectKind.DATA_DRIFT,
            DevelopmentStep.DATA_ACQUISITION,
            "review: data-drift",
            WorkItemState.OPEN,
        ),
        ("churn:1", DefectKind.OVERFIT, DevelopmentStep.MODELLING, "V2 overfit", WorkItemState.CLOSED),
    )
    with house.store.begin() as tx:
        for number, (version, defect, step, source, state) in enumerate(items, 1):
            done = ("validation-churn:1-1", NOW) if state is WorkItemState.CLOSED else ("", None)
            tx.of(WorkItem).add(WorkItem(f"work-{number}", version, "churn", defect, step, source,
                                         f"{defect.value} was found.", "validation", house.clock.now(), state,
                                         closed_by=done[0], closed_at=done[1]))  # fmt: skip


def _run(house: House, version: str, gate: Gate, findings: tuple[Finding, ...], verdict: Verdict | None) -> None:
    at = house.clock.now()
    run = GateRun(f"{gate.value}-{version}-1", version, gate, "p" * 64, "dan", 7, at, {}, findings, verdict,
                  at + timedelta(minutes=2) if verdict else None, "e" * 64)  # fmt: skip
    with house.store.begin() as tx:
        tx.of(GateRun).add(run)
        house.record(tx, "dan", f"{gate.value}-concluded" if verdict else f"{gate.value}-started", version)
        if version == "churn:1" and gate is Gate.VALIDATION:
            signed = SignOff(
                f"sign-{run.id}", version, run.id, run.evidence, "vera", True, "Read it; it holds.", at
            )
            kept = house.attest(tx, "vera", EvidenceKind.SIGN_OFF, sign_off_statement(signed, now=at), version)
            tx.of(SignOff).add(replace(signed, statement=kept.id))
        if version == "churn:1" and gate is Gate.ACTIVATION:
            accepted = HandOff("hand-1", version, "omar", "omar", "Roll back, then call omar.", at)
            about = hand_off_statement(accepted, tx.of(ModelVersion).get(version), now=at)
            kept = house.attest(tx, "omar", EvidenceKind.HAND_OFF, about, version)
            tx.of(HandOff).add(replace(accepted, statement=kept.id))


def _serve(house: House) -> None:
    at = house.clock.now()
    arms = (Arm("churn:1", ArmRole.CHAMPION, 0.75, "churn:1"), Arm("churn:2", ArmRole.CHALLENGER, 0.25, "churn:2"),
            Arm("hold-out", ArmRole.HOLD_OUT, 0.1))  # fmt: skip
    canary = Deployment("desk-d2", "desk", Strategy.CANARY, arms, "s", False, DeploymentState.PROGRESSING, at,
                        "omar", 2, (0.25, 1.0), 0, at, reason=ADVANCED)  # fmt: skip
    with house.store.begin() as tx:
        for name in ("desk", "unused"):
            tx.of(Endpoint).add(Endpoint(name, "churn", "desk", at))
        tx.of(Deployment).add(canary)
        house.record(tx, "omar", "deployment-progressing", "desk", canary.reason)
        for n in range(1, 9):
            action = "advance" if n == 8 else "hold"
            tx.of(RolloutLook).add(RolloutLook(f"look-{n}", "desk-d2", 2, at + timedelta(hours=n), action,
                                   f"safety-proven: {action} at share 0.25.", 1.0 + n / 10, 1.6**n, 20.0,
                                   {"champion": 1, "canary": 1}, {"champion": 60 * n, "canary": 20 * n}, 0.25,
                                   "d" * 64))  # fmt: skip
    house.decisions.append([_decision(n, at) for n in range(400)])


def _decision(n: int, at: datetime) -> Decision:
    arm = "hold-out" if n % 10 == 0 else "churn:2" if n % 4 == 1 else "churn:1"
    status = (
        DecisionStatus.HELD_OUT
        if arm == "hold-out"
        else DecisionStatus.FAILED
        if n == 301
        else DecisionStatus.SCORED
    )
    return Decision(f"d{n}", f"call-{n}", "desk", "desk-d2", 2, arm, "" if arm == "hold-out" else arm, f"u{n}",
                    at + timedelta(hours=n), {"age": 40}, 0.4 if status is DecisionStatus.SCORED else None, False,
                    0.3, status, 1.5, "the model raised: nr.employed is negative" if n == 301 else "")  # fmt: skip


def _watch(house: House) -> None:
    verdicts = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)
    with house.store.begin() as tx:
        for n, verdict in enumerate(verdicts, 1):
            since, until = NOW - timedelta(days=10 * (4 - n)), NOW - timedelta(days=10 * (3 - n))
            tx.of(ReviewRun).add(ReviewRun(f"review-desk-{n}", "desk", "churn", "churn:1", since,
                                 until, until, 130, 120, verdict, _signals(n, verdict),
                                 f"Review {n} concluded: the world {'holds' if n == 1 else 'moves'}."))  # fmt: skip
            for version, per_unit in (("churn:1", 1.5), ("churn:2", None)):
                tx.of(LedgerEntry).add(_line(f"line-{n}-{version}", version, per_unit, until))
        house.record(tx, "platform", "reviewed", "desk", "Review 3 concluded.")


def _signals(n: int, verdict: Verdict) -> tuple[Signal, ...]:
    known = n != 2
    return (
        Signal("data-drift", SignalKind.DATA_DRIFT, "age", verdict, "age has moved", 0.1 * n if known else None,
               details={"psi": 0.1}),
        Signal("performance", SignalKind.MATHEMATICAL_DRIFT, "auc", Verdict.PASS if known else Verdict.INCONCLUSIVE,
               "AUC 0.72, reference 0.81" if known else "too few", 0.75 - n / 50 if known else None,
               Interval(0.66 - n / 50, 0.8 - n / 50) if known else None, 0.7, details={"reference_auc": 0.81}),
        Signal("business-drift", SignalKind.BUSINESS_DRIFT, "base rate", Verdict.PASS, "rose", 0.02,
               details={"before": 0.1, "after": 0.1 + n / 100}),
        Signal("business-drift", SignalKind.BUSINESS_DRIFT, "hold-out base rate", Verdict.PASS, "rose", 0.02,
               details={"before": 0.1, "after": 0.09 + n / 100}),
        Signal("serving", SignalKind.SERVING, "failures", Verdict.PASS, "1 of 360 requests failed", 0.003),
        Signal("value", SignalKind.VALUE, "conversion", Verdict.WARN,
               "conversion rose, and the hold-out rose as much: the rise is not the model's doing"),
    )  # fmt: skip


def _line(name: str, version: str, per_unit: float | None, until: datetime) -> LedgerEntry:
    known = per_unit is not None
    return LedgerEntry(name, "desk", version, "churn-kpi-1", NOW - timedelta(days=40), until, "EUR", 1000, 100, 2.0,
                       0.5 if known else None, known, per_unit, Interval(0.5, 2.5) if known else None,
                       1500.0 if known else None, 150.0 if known else None,
                       "" if known else "Not measurable: only 12 held-out units have a known value.")  # fmt: skip
