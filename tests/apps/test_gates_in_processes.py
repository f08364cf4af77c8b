"""Whole gates whose checks are judged in processes of their own, as a served installation judges them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import spiteful_models
from small_playbooks import CHEAP, FULL, playbook
from small_world import V1, World

from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import ModelRaisedError
from roadworthy.domain.gate import Gate, GateRun, Limits
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.verdict import Verdict

TIMED = ("integration-probe", "telemetry", "hand-off")
"""Checks whose numbers are times of this machine."""


def measured(run: GateRun) -> dict[str, tuple[object, ...]]:
    """What was found, without times."""
    return {f.check: (f.verdict, f.statistic, f.interval, f.reasons) for f in run.findings if f.check not in TIMED}


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[World]:
    """A world on disk with two judging processes."""
    with World.on_disk(tmp_path, check_workers=2) as world:
        yield world


def test_judging_processes_find_on_the_whole_road_what_one_process_finds(pooled: World) -> None:
    alone = World.in_memory().prepare()
    for world in (alone, pooled.prepare()):
        world.register()
        assert world.activate_fully(V1, FULL).state is State.ACTIVATED
    for mine, theirs in zip(alone.all(GateRun), pooled.all(GateRun), strict=True):
        assert measured(theirs) == measured(mine)
        assert theirs.verdict is mine.verdict


def test_judging_processes_read_artifacts_where_the_setting_says(tmp_path: Path, bucket: str) -> None:
    with World.on_disk(tmp_path, check_workers=1, artifacts=bucket) as world:
        world.prepare().register()
        run = world.validate(V1, playbook("V1:kpi-contract", "V2:beats-baseline"))
        assert {f.check: f.verdict for f in run.findings if f.check != "*"} == {
            "kpi-contract": Verdict.PASS,
            "beats-baseline": Verdict.PASS,
        }
    assert not (tmp_path / "artifacts").exists()


LIMITED = b"limits:\n  all: {time_s: 6, memory_mib: 2048}\n" + playbook("V2:beats-baseline", "V6:data-quality")
HARM = {
    "never comes back": (spiteful_models.endless, "time-limit"),
    "asks for 32 GiB": (spiteful_models.greedy, "memory-limit"),
}


@pytest.mark.parametrize(("model", "reason"), HARM.values(), ids=HARM)
def test_a_model_whose_prediction_does_harm_costs_its_own_findings_and_nothing_else(
    pooled: World, model: Callable[[], bytes], reason: str
) -> None:
    pooled.prepare()
    pooled.register(model(), inputs=spiteful_models.INPUTS)
    run = pooled.validate(V1, LIMITED)
    found = {f.check: f for f in run.findings if f.check != "*"}
    assert found["data-quality"].verdict is Verdict.PASS
    assert (found["beats-baseline"].verdict, found["beats-baseline"].reasons) == (Verdict.ERROR, (reason,))
    assert (run.verdict, pooled.version(V1).state) == (Verdict.ERROR, State.REGISTERED)
    other = pooled.register()
    assert pooled.gate(other.id, Gate.VALIDATION, CHEAP).verdict is Verdict.WARN


@pytest.mark.parametrize("model", [spiteful_models.endless, spiteful_models.greedy], ids=lambda m: m.__name__)
def test_a_model_that_does_harm_when_it_is_registered_costs_the_server_an_error(
    model: Callable[..., bytes],
) -> None:
    world = World.in_memory(workshop=LocalWorkshop(Limits(time_s=8.0, memory_mib=2048))).prepare()
    with pytest.raises(ModelRaisedError):
        world.register(model(many=10), inputs=spiteful_models.INPUTS)
    assert world.all(ModelVersion) == []
    assert world.register().id == V1
