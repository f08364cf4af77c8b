"""The bill of materials: strictly valid, with its model card, and nothing in it that is not recorded."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from small_world import V1, at, lived

from roadworthy.adapters.reports.cyclonedx import bill_of_materials
from roadworthy.domain.documents.inventory import Inventory
from roadworthy.domain.errors import MissingExtraError
from roadworthy.domain.trust import Evidence
from roadworthy.services.dossier.record import read_record
from roadworthy.services.dossier.telling import inventory

SCHEMAS = files("cyclonedx") / "schema" / "_res"


def listed() -> Inventory:
    return inventory(read_record(lived().house, V1))


@pytest.fixture(scope="module")
def bom() -> dict[str, Any]:
    return json.loads(bill_of_materials(listed()))


def published() -> Draft7Validator:
    """The published schema of CycloneDX 1.6, read without the library's validator."""
    names = {
        "bom-1.6.schema.json": "bom-1.6.SNAPSHOT.schema.json",
        "spdx.schema.json": "spdx.SNAPSHOT.schema.json",
        "jsf-0.82.schema.json": "jsf-0.82.SNAPSHOT.schema.json",
    }
    read = {name: json.loads((SCHEMAS / file).read_text()) for name, file in names.items()}
    resources = [(f"http://cyclonedx.org/schema/{n}", Resource.from_contents(s)) for n, s in read.items()]
    return Draft7Validator(read["bom-1.6.schema.json"], registry=Registry().with_resources(resources))


def test_it_fits_the_published_schema(bom: dict[str, Any]) -> None:
    validator = published()
    assert list(validator.iter_errors(bom)) == []
    broken = json.loads(json.dumps(bom))
    broken["metadata"]["component"]["modelCard"]["mood"] = "good"
    assert list(validator.iter_errors(broken)) != []


def test_the_model_is_there_with_its_digest_card_and_measurements(bom: dict[str, Any]) -> None:
    world, model = lived(), bom["metadata"]["component"]
    version = world.version(V1)
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "offers", "1")
    assert model["hashes"] == [{"alg": "SHA-256", "content": version.artifact}]
    metrics = {
        m["type"]: m for m in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] if "slice" not in m
    }
    finding = next(f for r in read_record(world.house, V1).runs for f in r.findings if f.check == "beats-baseline")
    told = metrics["V2 beats-baseline (AUC)"]
    assert float(told["value"]) == finding.statistic
    assert float(told["confidenceInterval"]["lowerBound"]) == finding.interval.low
    considered = model["modelCard"]["considerations"]
    assert considered["useCases"] == ["Offer the plan to those who will take it"]
    assert any("waived" in limit for limit in considered["technicalLimitations"])
    assert considered["fairnessAssessments"][0]["groupAtRisk"] == "gender"


def test_data_sets_and_libraries_are_components_with_digest_and_purl(bom: dict[str, Any]) -> None:
    of = {c["bom-ref"]: c for c in bom["components"]}
    record = read_record(lived().house, V1)
    for d in record.datasets:
        assert of[f"data/{d.id}"]["type"] == "data"
        assert of[f"data/{d.id}"]["hashes"][0]["content"] == d.digest
    libraries = [c for c in bom["components"] if c["type"] == "library"]
    assert [c["purl"] for c in libraries] == ["pkg:pypi/scikit-learn@1"]
    card = bom["metadata"]["component"]["modelCard"]
    assert {d["ref"] for d in card["modelParameters"]["datasets"]} <= set(of)


def test_every_signed_statement_is_an_attestation_by_its_digest(bom: dict[str, Any]) -> None:
    references = bom["metadata"]["component"]["externalReferences"]
    attested = {r["hashes"][0]["content"] for r in references if r["type"] == "attestation"}
    assert attested == {e.id for e in lived().all(Evidence)}


def test_a_version_of_which_little_is_recorded_has_a_valid_one_too() -> None:
    world = at("prepared")
    world.register(description="", environment={}, code_revision="")
    document = json.loads(bill_of_materials(inventory(read_record(world.house, V1))))
    assert list(published().iter_errors(document)) == []
    told = {p["name"]: p["value"] for p in document["metadata"]["component"]["properties"]}
    assert told["roadworthy:code-revision"] == "not recorded"
    assert document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == []


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[bom\]"):
        bill_of_materials(listed())
