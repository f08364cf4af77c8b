"""The whole road with every real check: in memory, and on SQLite with DBOS, files and segments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_playbooks import CHEAP, FULL, playbook
from small_world import ENDPOINT, V1, World, days

from roadworthy.domain.gate import Gate, GateRun, Step
from roadworthy.domain.lifecycle import State
from roadworthy.domain.review import ReviewRun
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.bundle import verify_bundle
from roadworthy.services.watch.trace import trace
from roadworthy.services.watch.verify import bundle, trust_root, verify_changes


def holds(world: World) -> bool:
    """Whether the bundle of the first version verifies in every part."""
    found = bundle(world.house, V1)
    return verify_bundle(found, trust_root(world.house), world.house.artifacts.get(found.artifact), now=None).holds


def test_a_good_version_passes_every_real_check_of_every_gate() -> None:
    world = World.in_memory().prepare()
    world.register()
    assert world.activate_fully(V1, FULL).state is State.ACTIVATED
    runs = {r.gate: r for r in world.all(GateRun)}
    findings = [f for r in runs.values() for f in r.findings]
    assert {f.step for f in findings} == set(Step)
    assert {f"{f.check}: {f.message}" for f in findings if f.verdict is not Verdict.PASS and not f.waived} == set()
    assert [r.verdict for r in runs.values()] == [Verdict.WARN, Verdict.PASS, Verdict.PASS]
    assert holds(world)


@pytest.mark.slow
def test_a_version_whose_training_runs_again_to_the_same_scores_is_reproducible() -> None:
    world = World.in_memory().prepare()
    world.register()
    run = world.validate(V1, playbook("V8:reproducible", reproducible="{seeds: 1}"))
    assert next(f for f in run.findings if f.check == "reproducible").verdict is Verdict.PASS


def test_the_road_on_disk_survives_being_closed_and_opened_between_any_two_steps(tmp_path: Path) -> None:
    with World.on_disk(tmp_path) as world:
        world.prepare().register()
        world.validate(V1, CHEAP)
        world.sign(V1)
    with World.on_disk(tmp_path) as world:
        world.gate(V1, Gate.RELEASE)
        world.accept(V1)
        world.gate(V1, Gate.ACTIVATION)
        world.clock.advance(days(1))
        world.deploy(V1)
        happened = world.live(400, 5, "d")
    with World.on_disk(tmp_path) as world:
        world.clock.advance(days(9))
        assert world.report(happened).matched == 400
        assert world.review().decisions == 400
        assert trace(world.house, "d-0")[0].decision.endpoint == ENDPOINT
        assert verify_changes(world.house) == len(world.changes())
        assert (holds(world), len(world.all(ReviewRun))) == (True, 1)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_gate_on_disk_finds_what_it_finds_in_memory(tmp_path: Path) -> None:
    memory = World.in_memory().prepare()
    memory.register()
    expected = memory.validate(V1, CHEAP)
    with World.on_disk(tmp_path) as world:
        world.prepare().register()
        found = world.validate(V1, CHEAP).findings
    # Each world has keys of its own, so what was signed, and the digest of the inputs with it, differs.
    assert [replace(f, inputs="") for f in found] == [replace(f, inputs="") for f in expected.findings]
