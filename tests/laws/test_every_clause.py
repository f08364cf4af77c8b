"""Laws of the frameworks' data files: nothing points nowhere, and every check speaks to something."""

from __future__ import annotations

import pytest

from roadworthy.checks.registry import registered
from roadworthy.domain.gate import Step
from roadworthy.domain.trust import EvidenceKind
from roadworthy.services.dossier.clauses import FRAMEWORKS, frameworks, mapping

KEYS = [clause.key for framework in frameworks() for clause in framework.clauses]
TABLES = {"records": mapping().records, "steps": mapping().steps, "checks": mapping().checks}


def test_every_clause_is_named_once_and_titled() -> None:
    assert len(set(KEYS)) == len(KEYS)
    assert all(c.title.strip() for f in frameworks() for c in f.clauses)
    assert tuple(f.id for f in frameworks()) == FRAMEWORKS


@pytest.mark.parametrize("framework", frameworks(), ids=lambda f: f.id)
def test_every_framework_says_where_its_text_is_on_what_our_titles_rest_and_when_that_was(
    framework: object,
) -> None:
    assert framework.source.startswith("https://")
    assert framework.basis
    assert framework.retrieved.year >= 2026


def test_the_rescinded_guidance_is_an_alias_of_the_one_in_force() -> None:
    (bank,) = (f for f in frameworks() if f.id == "sr-26-2")
    assert bank.alias == "SR 11-7"
    assert "rescinded on 2026-04-17" in bank.note


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_clause_of_the_mapping_exists(table: dict[str, tuple[str, ...]]) -> None:
    assert {key for keys in table.values() for key in keys} - set(KEYS) == set()
    assert all(len(set(keys)) == len(keys) for keys in table.values())


@pytest.mark.parametrize("check", registered().values(), ids=lambda c: c.id)
def test_every_check_speaks_to_a_clause(check: object) -> None:
    assert mapping().of_finding(check.step, check.id)


def test_every_step_and_check_of_the_mapping_exists() -> None:
    assert set(mapping().steps) == {step.name for step in Step}
    assert set(mapping().checks) <= set(registered())


def test_every_kind_of_signed_evidence_speaks_to_a_clause() -> None:
    assert [kind.value for kind in EvidenceKind if not mapping().of_record(kind.value)] == []
