"""A dossier's folder, verified with public keys alone: every file by name, and what is wrong told from what is open."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.adapters.signing import MemoryKeyring
from roadworthy.domain.model import ArtifactFormat, ModelVersion, Signature
from roadworthy.domain.trust import Person, Role
from roadworthy.evidence.bundle import BundleReport, ItemStatus
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.envelope import seal
from roadworthy.evidence.statements import checkpoint_statement, dossier_statement
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.dossier.package import verify_package

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FILES = {"dossier.html": b"<p>hello</p>", "index.json": b"{}"}
VERSION = ModelVersion(
    "m:1", "m", "m", 1, sha256(b"m"), ArtifactFormat.ONNX, Signature(()), 0.5, ("dan",), "t", NOW
)
KEYS = MemoryKeyring()
SIGNERS = {name: KEYS.create(name) for name in ("platform", "dan", "stranger")}


def person(name: str, role: Role) -> Person:
    return Person(name, (role,), SIGNERS[name].key_id, SIGNERS[name].public_key)


TRUST = TrustRoot((person("platform", Role.PLATFORM), person("dan", Role.DATA_SCIENTIST)))


def envelope(by: str = "platform", **about: Any) -> str:
    given = {
        "files": {n: sha256(d) for n, d in FILES.items()},
        "problems": [],
        "head": None,
        "person": "ada",
        "now": NOW,
    }
    return seal(dossier_statement(VERSION, **{**given, **about}), SIGNERS[by])


def found(report: BundleReport, status: ItemStatus) -> list[str]:
    return [i.name for i in report.of(status)]


def test_an_untouched_dossier_holds() -> None:
    report = verify_package(envelope(), FILES, TRUST, now=None)
    assert report.holds
    assert [i.name for i in report.items] == ["signature", *FILES, "record when issued"]


@pytest.mark.parametrize("name", FILES)
def test_a_tampered_file_is_wrong_by_name(name: str) -> None:
    report = verify_package(envelope(), {**FILES, name: FILES[name] + b" "}, TRUST, now=None)
    assert found(report, ItemStatus.WRONG) == [name]


def test_a_missing_file_could_not_be_verified_and_a_strange_one_is_wrong() -> None:
    report = verify_package(envelope(), {"index.json": b"{}", "notes.txt": b"trust me"}, TRUST, now=None)
    assert found(report, ItemStatus.COULD_NOT_VERIFY) == ["dossier.html"]
    assert found(report, ItemStatus.WRONG) == ["notes.txt"]


def test_a_signature_over_other_bytes_is_wrong_and_one_by_a_stranger_is_open() -> None:
    document = json.loads(envelope())
    payload = base64.b64decode(document["payload"]).replace(b'"m:1"', b'"m:2"')
    document["payload"] = base64.b64encode(payload).decode()
    forged = json.dumps(document, separators=(",", ":"), sort_keys=True)
    assert found(verify_package(forged, FILES, TRUST, now=None), ItemStatus.WRONG) == ["signature"]
    report = verify_package(envelope("stranger"), FILES, TRUST, now=None)
    assert found(report, ItemStatus.WRONG) == []
    assert found(report, ItemStatus.COULD_NOT_VERIFY) == ["signature", *FILES]


def test_only_the_platform_signs_dossiers_and_another_statement_is_none() -> None:
    assert found(verify_package(envelope("dan"), FILES, TRUST, now=None), ItemStatus.WRONG) == ["signature"]
    link = type("Link", (), {"seq": 3, "digest": sha256(b"link")})()
    other = seal(checkpoint_statement(link, reason="noon", now=NOW), SIGNERS["platform"])
    report = verify_package(other, FILES, TRUST, now=None)
    assert found(report, ItemStatus.WRONG) == ["signature"]


def test_a_dossier_of_a_record_that_did_not_hold_never_holds() -> None:
    report = verify_package(envelope(problems=["change record: wrong."]), FILES, TRUST, now=None)
    assert found(report, ItemStatus.WRONG) == ["record when issued"]
    assert "change record: wrong." in report.of(ItemStatus.WRONG)[0].why


@pytest.mark.parametrize("text", ["", "{}", "no json", "\udcff"], ids=["nothing", "empty", "text", "no Unicode"])
def test_what_is_no_envelope_could_not_be_verified(text: str) -> None:
    report = verify_package(text, FILES, TRUST, now=None)
    assert not report.holds
    assert found(report, ItemStatus.WRONG) == []
