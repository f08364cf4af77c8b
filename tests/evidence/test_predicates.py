"""The published shapes: an independent judge reads the schemas, and nothing that misses its shape is opened."""

import json
from copy import deepcopy
from pathlib import Path

import jsonschema
import msgspec
import pytest

from roadworthy.domain.errors import CouldNotVerifyError, DataError
from roadworthy.domain.gate import Gate
from roadworthy.domain.serving import RolloutLook
from roadworthy.domain.trust import Delegation, EvidenceKind, HandOff, SignOff
from roadworthy.evidence import predicates, statements
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.envelope import make_evidence, open_envelope
from roadworthy.evidence.predicates import PREDICATES, check_predicate, predicate_schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "predicates"


def built(world):
    """One statement of every kind, from the builders that build the real ones."""
    look = RolloutLook(
        "look-1", "dep-1", 1, world.NOW, "hold", "too few", 0.7, 1.5, 20.0, {"a": 1}, {"a": 9}, 0.25, sha256(b"i")
    )
    sign_off = SignOff("so", "deposit-1", "run-validation", sha256(b"envelope"), "val", True, "sound", world.NOW)
    hand_off = HandOff("ho", "deposit-1", "ops", "team dialler", "run book", world.NOW)
    return {
        EvidenceKind.GATE_RUN: statements.gate_run_statement(
            world.finished(Gate.VALIDATION),
            world.VERSION,
            world.USE_CASE,
            world.PLAYBOOK,
            tools={"numpy": "2.4"},
            now=world.NOW,
        ),
        EvidenceKind.SIGN_OFF: statements.sign_off_statement(sign_off, now=world.NOW),
        EvidenceKind.KPI_CONTRACT: statements.contract_statement(world.CONTRACT, person="owner", now=world.NOW),
        EvidenceKind.HAND_OFF: statements.hand_off_statement(hand_off, world.VERSION, now=world.NOW),
        EvidenceKind.DEPLOYMENT: statements.deployment_statement(world.deployment(), now=world.NOW),
        EvidenceKind.ROLLOUT: statements.rollout_statement(look, world.deployment(), now=world.NOW),
        EvidenceKind.DELEGATION: statements.delegation_statement(
            Delegation("d", "val", "ops", "sign-off", "", "away", world.NOW, world.NOW), now=world.NOW
        ),
        EvidenceKind.CHECKPOINT: statements.checkpoint_statement(world.changes(3)[-1], reason="100", now=world.NOW),
        EvidenceKind.DOSSIER: statements.dossier_statement(
            world.VERSION,
            files={"index.json": sha256(b"{}")},
            problems=["change record: wrong."],
            head=world.changes(3)[-1],
            person="ada",
            now=world.NOW,
        ),
        EvidenceKind.SUSPENSION: statements.suspension_statement(
            world.VERSION, person="ops", reason="an incident", cause="by hand", now=world.NOW
        ),
        EvidenceKind.REINSTATEMENT: statements.reinstatement_statement(
            world.VERSION, person="ops", reason="looked", sign_off="so-2", now=world.NOW
        ),
        EvidenceKind.RETIREMENT: statements.retirement_statement(
            world.VERSION, person="ops", reason="old", now=world.NOW
        ),
    }


def judge(kind):
    """What `jsonschema` makes of the schema that is published, not of the one in memory."""
    schema = json.loads((PUBLISHED / f"{kind.value}.v1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


KINDS = [pytest.param(kind, id=kind.value) for kind in PREDICATES]


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_builders_make_fits_the_published_schema(world, kind):
    judge(kind).validate(json.loads(json.dumps(built(world)[kind]["predicate"])))
    check_predicate(kind, built(world)[kind]["predicate"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_is_the_one_the_code_reads_by_and_names_its_dialect(kind):
    published = json.loads((PUBLISHED / f"{kind.value}.v1.json").read_text())
    assert published == predicate_schema(kind)
    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert predicates.predicate_type(kind) in published["$id"]


def spoiled(value):
    """Every copy of a JSON object with one field more, at the top or in an object inside."""
    for name, part in value.items():
        if isinstance(part, dict):
            yield from (deepcopy({**value, name: inner}) for inner in spoiled(part))
    yield {**value, "surplus": "more"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_too_many_is_refused_by_us_exactly_where_the_schema_refuses_it(world, kind):
    predicate = json.loads(json.dumps(built(world)[kind]["predicate"]))
    outside = judge(kind)
    seen = 0
    for changed in spoiled(predicate):
        allowed = outside.is_valid(changed)  # maps from text to text are open: `tools`, `inputs`, `details`
        if allowed:
            continue
        seen += 1
        with pytest.raises(CouldNotVerifyError, match=r"surplus|\$\.[a-z_.]+\[\.\.\.\]") as caught:
            check_predicate(kind, changed)
        assert caught.value.fields["piece"] == kind.value
    assert seen


@pytest.mark.parametrize("kind", KINDS)
def test_every_missing_or_ill_typed_field_is_refused_by_name(world, kind):
    predicate = json.loads(json.dumps(built(world)[kind]["predicate"]))
    # What was signed before a field was added does not have it: such a field has a default, and the schema says so.
    later = {f.name for f in msgspec.structs.fields(PREDICATES[kind]) if not f.required}
    for name in predicate:
        without = {k: v for k, v in predicate.items() if k != name}
        assert judge(kind).is_valid(without) is (name in later)
        for changed in (*([] if name in later else [without]), {**predicate, name: [[]]}):
            with pytest.raises(CouldNotVerifyError, match=f"{name}"):
                check_predicate(kind, changed)


def test_an_unknown_field_deep_inside_is_named_with_its_place(world):
    predicate = built(world)[EvidenceKind.DEPLOYMENT]["predicate"]
    predicate["deployment"]["arms"][1]["only_on"] = "mondays"
    with pytest.raises(CouldNotVerifyError, match=r"\$\.deployment\.arms\[1\]\.only_on"):
        check_predicate(EvidenceKind.DEPLOYMENT, predicate)


def test_a_genuine_signature_does_not_open_a_predicate_of_another_shape(world):
    statement = built(world)[EvidenceKind.SIGN_OFF]
    statement["predicate"]["approved"] = "yes"
    with pytest.raises(CouldNotVerifyError, match=r"sign-off .*approved"):
        open_envelope(world.sign(statement, "val"), world.trust, now=None)


def test_what_nobody_could_open_is_not_signed(world):
    statement = built(world)[EvidenceKind.GATE_RUN]
    del statement["predicate"]["tools"]
    with pytest.raises(CouldNotVerifyError, match="tools"):
        make_evidence(statement, world.keyring.signer("platform"), person="platform", now=world.NOW)


def test_a_kind_without_a_shape_is_refused_and_has_no_schema(world, monkeypatch):
    monkeypatch.delitem(PREDICATES, EvidenceKind.CHECKPOINT)
    with pytest.raises(CouldNotVerifyError, match="no shape"):
        open_envelope(world.sign(built(world)[EvidenceKind.CHECKPOINT], "platform"), world.trust, now=None)
    with pytest.raises(DataError, match="checkpoint"):
        predicate_schema(EvidenceKind.CHECKPOINT)


def test_a_statement_signed_before_a_field_with_a_default_was_added_stays_readable(world):
    statement = built(world)[EvidenceKind.HAND_OFF]
    del statement["predicate"]["hand_off"]["statement"]
    assert open_envelope(world.sign(statement, "ops"), world.trust, now=None).kind is EvidenceKind.HAND_OFF
