"""Looks at sealed data: each is counted once, whose it was is known, and a lineage pays for all of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated_offers import artifact, table
from small_playbooks import playbook
from small_world import CASE, V1, World, at

from roadworthy.domain import faults
from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.gate import Ending, EndingKind, Gate, GateRun
from roadworthy.domain.model import SealedLook
from roadworthy.services.catalog.looks import looks
from roadworthy.services.gates.run import GateOrder, resume_gates, run_gate, start_gate

REUSE = playbook("V2:sealed-reuse")
LOOK = playbook("V2:beats-baseline", "R6:small-change", "A4:integration-probe")
"""Something in each gate that is measured on sealed rows, or may be."""


def looked() -> World:
    """A version is validated, which looked at the sealed rows."""
    world = at("registered")
    world.validate(V1, LOOK)
    return world


def numbers(world: World) -> list[tuple[str, str, int]]:
    """Version, lineage and number of every charged look, oldest first."""
    return [(x.version, x.lineage, x.number) for x in world.all(SealedLook) if x.charged]


def test_a_look_says_who_when_which_version_lineage_run_and_number() -> None:
    world = looked()
    (seen,) = looks(world.house, CASE)
    assert (seen.actor, seen.at, seen.version, seen.lineage) == ("dan", world.clock.now(), V1, V1)
    assert (seen.gate_run, seen.number, seen.charged) == ("validation-offers:1-1", 1, True)
    assert seen.dataset == world.dataset("sealed").id


def test_descendants_and_later_versions_of_the_name_are_one_lineage_and_strangers_are_not() -> None:
    world = looked()
    child = world.register(parents=(V1,), name="renamed")
    unnamed = world.register()
    stranger = world.register(name="another")
    for made in (child, unnamed, stranger, child):
        world.validate(made.id, LOOK)
    assert numbers(world) == [
        (V1, V1, 1),
        ("renamed:1", V1, 2),
        ("offers:2", V1, 3),
        ("another:1", "another:1", 1),
        ("renamed:1", V1, 4),
    ]


def test_new_sealed_rows_begin_a_new_count() -> None:
    world = looked()
    world.data("sealed", table(700, 9))
    world.validate(V1, LOOK)
    assert numbers(world) == [(V1, V1, 1), (V1, V1, 1)]


def test_other_gates_and_reviews_are_shown_and_not_charged() -> None:
    world = at("registered")
    world.activate_fully(V1, LOOK)
    seen = looks(world.house, CASE)
    assert {(x.why.partition(" ")[0], x.charged, x.number) for x in seen} == {
        ("validation", True, 1),
        ("release", False, 1),
        ("activation", False, 1),
    }
    assert world.dataset("sealed").reads == len(seen) == 3


def test_a_gate_taken_up_again_after_a_crash_is_one_look() -> None:
    world = at("registered")
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, LOOK))
    faults.arm("gate.look-counted", _die)
    with pytest.raises(KeyboardInterrupt):
        resume_gates(world.house)
    faults.disarm_all()
    assert numbers(world) == [(V1, V1, 1)]
    resume_gates(world.house)
    assert world.all(GateRun)[-1].verdict is not None
    assert numbers(world) == [(V1, V1, 1)]


def _die() -> None:
    raise KeyboardInterrupt


def test_no_look_is_counted_before_a_row_is_about_to_be_read() -> None:
    world = at("registered")
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, LOOK))
    assert looks(world.house, CASE) == ()


def test_a_run_without_a_check_on_sealed_rows_is_no_look() -> None:
    world = at("registered")
    world.validate(V1)
    assert looks(world.house, CASE) == ()


def test_a_run_that_takes_over_every_finding_on_sealed_rows_is_no_look() -> None:
    world = at("registered")
    blocked = playbook("V2:beats-baseline", "V6:data-quality", "V9:independent-validator", waive=["V3"])
    first, second = world.validate(V1, blocked), world.validate(V1, blocked)
    assert [f.reused_from for f in second.findings if f.check == "beats-baseline"] == [first.id]
    assert numbers(world) == [(V1, V1, 1)]
    assert len(looks(world.house, CASE)) == 1


def test_a_run_that_measures_the_same_figures_again_is_shown_and_not_charged() -> None:
    world = at("registered")
    blocked = playbook("V1:kpi-contract", "V2:sealed-reuse", waive=["V3"])
    world.validate(V1, blocked)
    again = world.validate(V1, blocked)  # the contract's check looks at the clock: always anew
    assert [f.check for f in again.findings if f.reused_from] == ["sealed-reuse"]
    assert [(x.charged, x.number) for x in world.all(SealedLook)] == [(True, 1), (False, 1)]


def test_another_playbook_and_a_fresh_run_are_charged_again() -> None:
    world = at("registered")
    world.validate(V1, playbook("V2:beats-baseline", waive=["V3"]))
    world.validate(V1, playbook("V2:beats-baseline", waive=["V3"], beats_baseline={"min_rows": 60}))
    assert len(numbers(world)) == 2
    run_gate(world.house, world.who("dan"), GateOrder(V1, Gate.VALIDATION, playbook("V2:slices"), fresh=True))
    assert [number for _, _, number in numbers(world)] == [1, 2, 3]


def test_a_cancelled_run_does_not_make_the_next_one_free() -> None:
    world = at("registered")
    blocked = playbook("V1:kpi-contract", "V2:beats-baseline", waive=["V3"])
    first = world.validate(V1, blocked)
    with world.house.store.begin() as tx:
        ended = replace(first, ending=Ending(EndingKind.CANCELLED, "dan", "seen enough"))
        tx.of(GateRun).replace(first, ended)
    world.validate(V1, blocked)
    assert len(numbers(world)) == 2


def test_a_second_look_of_the_lineage_is_charged_in_the_gate() -> None:
    world = at("prepared")
    world.validate(world.register(artifact("upside_down")).id, LOOK)
    run = world.validate(world.register(parents=(V1,)).id, REUSE)
    found = next(f for f in run.findings if f.check == "sealed-reuse")
    assert (found.details["looks"], found.details["versions"]) == (2, [V1, "offers:2"])
    assert found.message.startswith("Look 2 of this lineage")


def test_looks_of_an_unknown_use_case_are_not_found() -> None:
    with pytest.raises(NotFoundError):
        looks(at("prepared").house, "nothing")
