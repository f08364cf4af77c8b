"""A dossier tells what is recorded, all of it and nothing else, and says first when the record does not hold."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from small_world import CASE, V1, World, at, lived

from roadworthy.domain.errors import NotAllowedError, NotFoundError, SettingError
from roadworthy.domain.gate import GateRun
from roadworthy.domain.trust import Evidence, EvidenceKind, Person, SignOff
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.bundle import ItemStatus
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.dossier.issue import FILES, Dossier, issue_dossier, print_files
from roadworthy.services.dossier.package import HTML, INDEX, verify_package
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record
from roadworthy.services.watch.verify import verify_changes

READ = ("html", "index")


def issue(world: World, formats: tuple[str, ...] = READ, by: str = "ada", version: str = V1) -> Dossier:
    return issue_dossier(world.house, world.who(by), version, formats)


def page(issued: Dossier) -> str:
    return issued.files[HTML].decode()


def trust(world: World) -> TrustRoot:
    return TrustRoot(tuple(world.all(Person)))


def test_every_file_is_named_with_its_digest_in_one_statement_the_platform_signs() -> None:
    world = lived()
    issued = issue(world, tuple(FILES))
    opened = open_envelope(issued.envelope, trust(world), now=None)
    assert (opened.kind, opened.person.id) == (EvidenceKind.DOSSIER, "platform")
    assert opened.predicate["files"] == {name: sha256(data) for name, data in issued.files.items()}
    assert set(issued.files) == set(FILES.values())
    assert (opened.predicate["verified"], opened.predicate["version"], issued.problems) == (True, V1, ())
    assert verify_package(issued.envelope, issued.files, trust(world), now=None).holds


def test_issuing_is_evidence_and_a_link_of_the_change_record() -> None:
    world = at("signed")
    before = world.changes()
    issued = issue(world)
    (link,) = world.changes()[len(before) :]
    assert (link.actor, link.action, link.subject) == ("ada", "dossier-issued", V1)
    assert link.facts["evidence"] == issued.evidence
    assert [e.id for e in world.all(Evidence) if e.kind is EvidenceKind.DOSSIER] == [issued.evidence]
    assert verify_changes(world.house) == len(before) + 1
    assert issue(world).problems == ()


def test_it_tells_model_data_findings_people_traffic_reviews_value_and_changes() -> None:
    world = lived()
    signed = world.all(Evidence)
    told = page(issue(world))
    for run in world.all(GateRun):
        for finding in run.findings:
            if finding.check != "*":
                assert f">{finding.step.name} {finding.check}<" in told
    for evidence in signed:
        assert f'id="e-{evidence.id}"' in told
    people = ("vera", "holds", "Roll back, call omar.")
    traffic = ("review-mailing-2", "mailing-d1", "Not measurable: only")
    plots = ("gender=f", "Calibration: observed rate")
    for said in (*people, *traffic, *plots, "train.parquet", world.version(V1).artifact):
        assert said in told


def test_what_is_not_recorded_is_said_and_not_made_up() -> None:
    told = page(issue(at("registered")))
    for what in ("Run of this gate", "Approval or rejection", "Hand-off", "Deployment", "Review", "Value ledger"):
        assert f"{what}: not recorded." in told
    assert "V1 kpi-contract" not in told


def test_a_stored_finding_that_differs_from_the_signed_one_is_said_before_all_else() -> None:
    world = lived()
    with world.house.store.begin() as tx:
        run = tx.of(GateRun).find(version=V1)[0]
        better = replace(run.findings[0], statistic=99.0)
        tx.of(GateRun).replace(run, replace(run, findings=(better, *run.findings[1:])))
    issued = issue(world)
    assert [(p.name, p.status) for p in issued.problems] == [(f"gate run {run.id}", ItemStatus.WRONG)]
    told = page(issued)
    assert told.index("THE RECORD DOES NOT HOLD") < told.index("Model card</h2>")
    assert issued.wrong
    report = verify_package(issued.envelope, issued.files, trust(world), now=None)
    assert [i.name for i in report.of(ItemStatus.WRONG)] == ["record when issued"]


def test_an_edited_link_a_forged_signature_and_a_missing_statement_are_each_named() -> None:
    world = at("signed")
    record = read_record(world.house, V1)
    edited = replace(record.links[2], why="another reason")
    assert [
        p.name for p in prove(replace(record, links=(*record.links[:2], edited, *record.links[3:]))).problems
    ] == ["change record"]
    signed = next(e for e in record.evidence if e.kind is EvidenceKind.SIGN_OFF)
    forged = replace(signed, envelope=signed.envelope.replace('"sig":"', '"sig":"A', 1))
    others = tuple(e for e in record.evidence if e is not signed)
    names = [p.name for p in prove(replace(record, evidence=(*others, forged))).problems]
    assert names == [f"sign-off {signed.id[:12]}", f"sign-off {record.sign_offs[0].id}"]
    gone = prove(replace(record, evidence=others)).problems
    assert [(p.name, p.status) for p in gone] == [
        (f"sign-off {record.sign_offs[0].id}", ItemStatus.COULD_NOT_VERIFY)
    ]


def test_a_sign_off_of_an_earlier_validation_is_told_as_void() -> None:
    world = at("signed")
    record = read_record(world.house, V1)
    newer = replace(record.runs[0], id="validation-2", evidence="f" * 64)
    assert "void, there is newer evidence" not in page(issue(world))
    told = print_files(world.house.reports, replace(record, runs=(*record.runs, newer)), prove(record), READ, "ada")
    assert b"void, there is newer evidence" in told[HTML]


def test_a_rejection_its_reason_and_the_work_it_opened_are_told() -> None:
    world = at("validated")
    world.sign(V1, approved=False, reason="The branch segment is served badly.")
    told = page(issue(world))
    assert "rejected" in told
    assert told.count("The branch segment is served badly.") >= 2
    (signed,) = world.all(SignOff)
    assert f'href="#e-{signed.statement}"' in told


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>"]
)
def test_no_text_of_a_model_becomes_markup(evil: str) -> None:
    world = at("prepared")
    world.register(description=evil, code_revision=evil)
    told = page(issue(world))
    assert "<script" not in told
    assert "<img" not in told
    assert "&lt;" in told


def test_the_same_record_gives_the_same_bytes() -> None:
    world = lived()
    record = read_record(world.house, V1)
    first, second = (print_files(world.house.reports, record, prove(record), tuple(FILES), "ada") for _ in range(2))
    assert {n: sha256(d) for n, d in first.items()} == {n: sha256(d) for n, d in second.items()}
    later = replace(record, at=record.at + timedelta(seconds=1))
    other = print_files(world.house.reports, later, prove(later), tuple(FILES), "ada")
    assert all(other[name] != first[name] for name in first)


def test_the_index_says_for_every_clause_what_speaks_to_it_or_that_nothing_does() -> None:
    early = json.loads(issue(at("registered")).files[INDEX])
    late = json.loads(issue(lived()).files[INDEX])
    for index in (early, late):
        for framework in index["frameworks"]:
            for clause in framework["clauses"]:
                speaking = [index["items"][i] for i in clause["items"]]
                assert (clause["standing"] == "evidence recorded") == bool(speaking)
                assert all(f"{framework['id']}/{clause['id']}" in item["clauses"] for item in speaking)
    covered = [
        {(f["id"], c["id"]) for f in index["frameworks"] for c in f["clauses"] if c["items"]}
        for index in (early, late)
    ]
    assert covered[0] < covered[1]
    never = {("eu-ai-act", "annex-iv-7"), ("eu-ai-act", "annex-iv-8"), ("iso-42001", "a-10-3")}
    assert not never & covered[1]
    assert ("nist-ai-rmf", "measure-2-11") in covered[1] - covered[0]


def test_a_step_without_a_check_and_a_check_that_could_not_measure_speak_to_no_clause() -> None:
    world = at("signed")
    index = json.loads(issue(world).files[INDEX])
    assert {i["kind"] for i in index["items"]} & {"finding", "waiver"} == {"waiver"}
    record = read_record(lived().house, V1)
    run = record.runs[0]
    silent = replace(
        run, findings=tuple(replace(f, verdict=Verdict.INCONCLUSIVE) for f in run.findings if not f.waived)
    )
    told = print_files(world.house.reports, replace(record, runs=(silent,)), prove(record), ("index",), "ada")
    assert "finding" not in {i["kind"] for i in json.loads(told[INDEX])["items"]}


def test_a_data_scientist_may_not_have_one_issued_and_an_auditor_may() -> None:
    world = at("signed")
    for name in ("ada", "vera", "olga", "rita", "omar"):
        assert issue(world, by=name).problems == ()
    with pytest.raises(NotAllowedError, match="may not issue-dossier"):
        issue(world, by="dan")


@pytest.mark.parametrize("formats", [(), ("word",), ("html", "")], ids=["none", "unknown", "an empty one"])
def test_an_unknown_format_is_refused_with_those_there_are(formats: tuple[str, ...]) -> None:
    with pytest.raises(SettingError, match="Allowed: html, pdf, bom, index"):
        issue(at("registered"), formats)


def test_an_unknown_version_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        issue(at("registered"), version="offers:9")


def test_a_thousand_changes_and_three_gates_take_seconds() -> None:
    world = lived()
    with world.house.store.begin() as tx:
        for n in range(1000):
            world.house.record(tx, "omar", "reviewed", CASE, f"look {n}", {"review": f"r-{n}"})
    began = time.process_time()
    issued = issue(world, tuple(FILES))
    assert time.process_time() - began < 20
    assert page(issued).count("<tr>") > 1000
