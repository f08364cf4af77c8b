"""kill -9 while a gate runs or a version is deployed: after a restart it goes on, and nothing is done twice."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "worlds"), str(TESTS / "faults")]

import gate_process  # noqa: E402 - the line above says where from
from small_playbooks import CHEAP  # noqa: E402
from small_world import ENDPOINT, V1, World  # noqa: E402

from roadworthy.domain import faults  # noqa: E402
from roadworthy.domain.gate import Gate, GateRun  # noqa: E402
from roadworthy.domain.lifecycle import State  # noqa: E402
from roadworthy.domain.serving import Deployment  # noqa: E402
from roadworthy.domain.trust import Evidence, EvidenceKind  # noqa: E402
from roadworthy.domain.verdict import Verdict  # noqa: E402
from roadworthy.evidence.served import decode_served, verify_served  # noqa: E402
from roadworthy.services.watch.verify import trust_root, verify_changes  # noqa: E402

COMMITS = 16
"""Transactions of the control store in one validation of three checks."""


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which `offers:1` waits for its validation."""
    root = tmp_path_factory.mktemp("registered")
    with World.on_disk(root) as world:
        world.prepare().register()
    return root


@pytest.fixture(scope="session")
def activated(registered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which `offers:1` is activated and not yet deployed."""
    root = shutil.copytree(registered, tmp_path_factory.mktemp("activated") / "w")
    with World.on_disk(root) as world:
        world.activate_fully(V1)
    return root


def killed(processes: Any, root: Path, work: str, point: str, nth: int = 1, workers: int = 0) -> bool:
    """Whether the process died at that point; otherwise it came to its end in peace."""
    process = processes.Process(target=gate_process.die_at, args=(str(root), work, point, nth, workers))
    process.start()
    process.join(90)
    assert process.exitcode in (-signal.SIGKILL, 0)
    return bool(process.exitcode)


def assert_validated_once(root: Path) -> None:
    """After a restart: the run goes on to its end by itself, every effect is there, and there once."""
    with World.on_disk(root) as world:
        if not world.all(GateRun):
            assert world.version(V1).state is State.REGISTERED
            assert "validation-started" not in world.actions()
            world.validate(V1, CHEAP)
        (run,) = world.all(GateRun)
        world.house.engine.run("gate", run.id, {"run": run.id})
        (run,) = world.all(GateRun)
        names = [(f.step, f.check) for f in run.findings]
        evidence = [e for e in world.all(Evidence) if e.kind is EvidenceKind.GATE_RUN]
        assert len(set(names)) == len(names) == 9
        assert {f.verdict for f in run.findings if f.check != "*"} == {Verdict.PASS}
        assert (run.verdict, [e.id for e in evidence]) == (Verdict.WARN, [run.evidence])
        assert world.version(V1).state is State.AWAITING_SIGN_OFF
        for action in ("validation-started", "sealed-data-read", "validation-concluded"):
            assert world.actions().count(action) == 1, action
        assert world.dataset("sealed").reads == 1
        assert verify_changes(world.house) == len(world.changes())
        world.sign(V1)


EACH_CHECK = ("gate.begun-noted", "gate.check-done", "gate.finding-kept")
CASES = [
    *[
        (point, 1)
        for point in (
            "gate.look-counted",
            "gate.gathered",
            *EACH_CHECK,
            "gate.before-conclude",
            "gate.after-conclude",
        )
    ],
    ("store.before-commit", 4),
    ("store.after-commit", 4),
]
SLOW_CASES = [
    *[(point, n) for point in EACH_CHECK for n in (2, 3)],
    *[
        (point, n)
        for point in ("store.before-commit", "store.after-commit")
        for n in range(1, COMMITS + 1)
        if n != 4
    ],
]


def test_every_fault_point_of_a_gate_is_tried_here() -> None:
    tried = {point for point, _ in CASES} | {"gate.cancelled"}
    assert {p for p in faults.POINTS if p.startswith("gate.")} <= tried


def test_a_validation_commits_as_often_as_is_tried_here(registered: Path, tmp_path: Path) -> None:
    reached = 0

    def count() -> None:
        nonlocal reached
        reached += 1

    with World.on_disk(shutil.copytree(registered, tmp_path / "w")) as world:
        faults.arm("store.before-commit", count)
        world.validate(V1, CHEAP)
    assert reached == COMMITS


@pytest.mark.parametrize(
    ("point", "nth"), [*CASES, *[pytest.param(*c, marks=pytest.mark.slow) for c in SLOW_CASES]]
)
def test_a_validation_killed_anywhere_goes_on_and_is_concluded_once(
    processes: Any, registered: Path, tmp_path: Path, point: str, nth: int
) -> None:
    root = shutil.copytree(registered, tmp_path / "w")
    assert killed(processes, root, "validate", point, nth)
    assert_validated_once(root)


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("gate.begun-noted", 1),
        *[pytest.param(p, n, marks=pytest.mark.slow) for p in EACH_CHECK[1:] for n in (1, 3)],
    ],
)
def test_a_validation_judged_in_processes_goes_on_after_its_server_was_killed(
    processes: Any, registered: Path, tmp_path: Path, point: str, nth: int
) -> None:
    root = shutil.copytree(registered, tmp_path / "w")
    assert killed(processes, root, "validate", point, nth, workers=2)
    assert_validated_once(root)


@pytest.mark.parametrize("point", ["store.before-commit", "store.after-commit", "gate.cancelled"])
def test_a_cancellation_killed_anywhere_has_happened_whole_or_not_at_all(
    processes: Any, registered: Path, tmp_path: Path, point: str
) -> None:
    root = shutil.copytree(registered, tmp_path / "w")
    assert killed(processes, root, "cancel", point)
    cancelled = point != "store.before-commit"
    with World.on_disk(root) as world:
        (run,) = world.all(GateRun)
        assert (run.ending is not None, "validation-cancelled" in world.actions()) == (cancelled, cancelled)
        world.house.engine.run("gate", run.id, {"run": run.id})
        (run,) = world.all(GateRun)
        assert (run.verdict, len(run.findings)) == (Verdict.INCONCLUSIVE if cancelled else Verdict.WARN, 9)
        assert world.version(V1).state is (State.REGISTERED if cancelled else State.AWAITING_SIGN_OFF)
        assert [e.id for e in world.all(Evidence) if e.kind is EvidenceKind.GATE_RUN] == [run.evidence]
        assert verify_changes(world.house) == len(world.changes())


@pytest.mark.slow
def test_a_validation_killed_again_at_every_restart_still_comes_to_one_conclusion(
    processes: Any, registered: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(registered, tmp_path / "w")
    assert killed(processes, root, "validate", "gate.check-done", 1)
    for point in ("gate.check-done", "gate.check-done", "gate.before-conclude"):
        killed(processes, root, "open", point)
    assert_validated_once(root)


def assert_deployed_once(root: Path) -> None:
    """After a restart: what was committed is in force, and only that."""
    with World.on_disk(root) as world:
        if not world.all(Deployment):
            assert world.house.served.read(ENDPOINT) is None
            world.deploy(V1)
        (deployment,) = world.all(Deployment)
        document = world.house.served.read(ENDPOINT)
        assert document is not None
        served = decode_served(document)
        verify_served(served, trust_root(world.house), endpoint=ENDPOINT, now=None)
        assert served.deployment == deployment
        assert world.actions().count("deployment-stable") == 1
        assert len([e for e in world.all(Evidence) if e.kind is EvidenceKind.DEPLOYMENT]) == 1
        assert verify_changes(world.house) == len(world.changes())
        assert world.live(5, 1, "x")
        assert {r.gate for r in world.all(GateRun)} == set(Gate)


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("deploy.before-publish", 1),
        *[pytest.param("store.before-commit", n, marks=pytest.mark.slow) for n in (1, 2)],
        *[pytest.param("store.after-commit", n, marks=pytest.mark.slow) for n in (1, 2)],
    ],
)
def test_a_deployment_killed_anywhere_is_in_force_after_the_restart_or_was_never_made(
    processes: Any, activated: Path, tmp_path: Path, point: str, nth: int
) -> None:
    root = shutil.copytree(activated, tmp_path / "w")
    assert killed(processes, root, "deploy", point, nth)
    assert_deployed_once(root)
