"""Looks at sealed data: each is counted once, whose it was is known, and a lineage pays for all of its own."""

from __future__ import annotations

import pytest
from simulated_offers import artifact, table
from small_playbooks import WAIVED, playbook
from small_world import CASE, V1, World, at

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.gate import Gate
from roadworthy.domain.model import SealedLook
from roadworthy.services.catalog.looks import looks
from roadworthy.services.gates.run import resume_gates, start_gate

REUSE = playbook("V2:sealed-reuse")


def numbers(world: World) -> list[tuple[str, str, int]]:
    """Version, lineage and number of every charged look, oldest first."""
    return [(x.version, x.lineage, x.number) for x in world.all(SealedLook) if x.charged]


def test_a_look_says_who_when_which_version_lineage_run_and_number() -> None:
    world = at("validated")
    (seen,) = looks(world.house, CASE)
    assert (seen.actor, seen.at, seen.version, seen.lineage) == ("dan", world.clock.now(), V1, V1)
    assert (seen.gate_run, seen.number, seen.charged) == ("validation-offers:1-1", 1, True)
    assert seen.dataset == world.dataset("sealed").id


def test_descendants_and_later_versions_of_the_name_are_one_lineage_and_strangers_are_not() -> None:
    world = at("validated")
    child = world.register(parents=(V1,), name="renamed")
    unnamed = world.register()
    stranger = world.register(name="another")
    for made in (child, unnamed, stranger, child):
        world.validate(made.id)
    assert numbers(world) == [
        (V1, V1, 1),
        ("renamed:1", V1, 2),
        ("offers:2", V1, 3),
        ("another:1", "another:1", 1),
        ("renamed:1", V1, 4),
    ]


def test_new_sealed_rows_begin_a_new_count() -> None:
    world = at("validated")
    world.data("sealed", table(700, 9))
    world.validate(V1)
    assert numbers(world) == [(V1, V1, 1), (V1, V1, 1)]


def test_other_gates_and_reviews_are_shown_and_not_charged() -> None:
    world = at("activated")
    seen = looks(world.house, CASE)
    assert {(x.why.partition(" ")[0], x.charged, x.number) for x in seen} == {
        ("validation", True, 1),
        ("release", False, 1),
        ("activation", False, 1),
    }
    assert world.dataset("sealed").reads == len(seen) == 3


def test_a_gate_taken_up_again_after_a_crash_is_one_look() -> None:
    world = at("registered")
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION))
    resume_gates(world.house)
    assert numbers(world) == [(V1, V1, 1)]


def test_a_second_look_of_the_lineage_is_charged_in_the_gate() -> None:
    world = at("prepared")
    world.validate(world.register(artifact("upside_down")).id, WAIVED)
    run = world.validate(world.register(parents=(V1,)).id, REUSE)
    found = next(f for f in run.findings if f.check == "sealed-reuse")
    assert (found.details["looks"], found.details["versions"]) == (2, [V1, "offers:2"])
    assert found.message.startswith("Look 2 of this lineage")


def test_looks_of_an_unknown_use_case_are_not_found() -> None:
    with pytest.raises(NotFoundError):
        looks(at("prepared").house, "nothing")
