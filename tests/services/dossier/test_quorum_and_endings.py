"""A dossier tells what an approval takes and who gave it, and which gate runs were cancelled, by whom and why."""

from __future__ import annotations

from small_playbooks import CHEAP, WAIVED
from small_world import V1, World, at

from roadworthy.domain.documents.document import Facts, Section, Table
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.services.dossier.chapters import gates, people
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record
from roadworthy.services.gates.interventions import cancel_gate
from roadworthy.services.gates.run import start_gate

TWO = b'\napproval:\n  low: {quorum: 2, max_age_days: 100, max_decisions: 5000, reason: "two see more than one"}\n'


def chapter(world: World, of: object) -> Section:
    record = read_record(world.house, V1)
    found: Section = of.chapter(record, prove(record))  # type: ignore[attr-defined]
    return found


def facts(section: Section) -> dict[str, str]:
    """Every fact told in a section itself, by name."""
    return {name: cell.text for block in section.blocks if isinstance(block, Facts) for name, cell in block.rows}


def test_the_quorum_is_told_with_who_has_given_it_so_far_and_how_long_it_holds() -> None:
    world = at("registered")
    assert facts(chapter(world, people)) == {}
    world.validate(V1, WAIVED + TWO)
    told = facts(chapter(world, people))
    assert (told["Quorum"], told["Approved by"]) == ("2 of independent people, 0 approved", "nobody")
    world.sign(V1, "vera")
    world.sign(V1, "victor")
    told = facts(chapter(world, people))
    assert (told["Quorum"], told["Approved by"]) == ("2 of independent people, 2 approved", "vera, victor")
    assert (told["Holds for"], told["Decisions"], told["Why so"]) == ("100 days", "5,000", "two see more than one")


def test_a_cancelled_run_says_who_cancelled_it_and_why_as_the_newest_and_as_an_earlier_one() -> None:
    world = at("registered")
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
    cancel_gate(world.house, world.who("dan"), world.all(GateRun)[0].id, "the wrong playbook")
    validation = chapter(world, gates).parts[0]
    assert facts(validation)["Ended"] == "cancelled by dan: the wrong playbook"
    world.validate(V1)
    validation = chapter(world, gates).parts[0]
    assert "Ended" not in facts(validation)
    (earlier,) = [b for b in validation.blocks if isinstance(b, Table) and b.caption == "Earlier runs"]
    assert [row[-1].text for row in earlier.rows] == ["cancelled by dan: the wrong playbook"]
