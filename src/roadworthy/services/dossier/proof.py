"""Proving a record before it is told: the chain, every signature, and that what is stored is what was signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadworthy.domain.errors import CouldNotVerifyError, DataError, IntegrityError
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.evidence.approval import require_accepted
from roadworthy.evidence.bundle import BundleItem, ItemStatus
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.evidence.checkpoints import checkpoint_in, verify_record
from roadworthy.evidence.envelope import OpenedStatement, evidence_id, open_envelope
from roadworthy.evidence.licence import check_signer
from roadworthy.evidence.statements import (
    contract_digest,
    contract_json,
    deployment_json,
    hand_off_json,
    unsigned,
    version_digest,
)
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.dossier.record import Record, standing_links


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven. `problems` are the things that are wrong or could not be verified; `opened` what holds."""

    opened: Mapping[str, OpenedStatement]
    problems: tuple[BundleItem, ...]
    links: int

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong and nothing is open."""
        return not self.problems

    @property
    def wrong(self) -> tuple[BundleItem, ...]:
        """What is shown to be wrong."""
        return tuple(p for p in self.problems if p.status is ItemStatus.WRONG)

    def predicate(self, evidence: str) -> Mapping[str, Any]:
        """What a verified statement says; nothing when it is not there or does not verify."""
        opened = self.opened.get(evidence)
        return opened.predicate if opened else {}


def prove(record: Record) -> Proof:
    """Verify the change record, every envelope, and that the stored records say what the envelopes say."""
    problems: list[BundleItem] = []
    trust: list[TrustRoot] = []
    _try(problems, "trust root", lambda: trust.append(TrustRoot(record.people)))
    opened: dict[str, OpenedStatement] = {}
    for one in record.evidence if trust else ():
        found = _opened(one, trust[0], record.at, problems)
        if found is not None:
            opened[one.id] = found
    checkpoints = [o for o in opened.values() if o.kind is EvidenceKind.CHECKPOINT]
    _try(problems, "change record", lambda: verify_record(record.links, [checkpoint_in(o) for o in checkpoints]))
    _try(problems, "accepted in an operator's place", lambda: require_accepted(tuple(opened.values())))
    for name, evidence, stored, signed in _pairs(record, opened):
        item = _compared(name, evidence, stored, signed)
        if item is not None:
            problems.append(item)
    return Proof(opened, tuple(problems), len(record.links))


def _opened(one: Evidence, trust: TrustRoot, now: datetime, problems: list[BundleItem]) -> OpenedStatement | None:
    name = f"{one.kind.value} {one.id[:12]}"
    found: list[OpenedStatement] = []

    def check() -> None:
        if evidence_id(one.envelope) != one.id:
            raise IntegrityError("the envelope is not the one its id names", remedy="Restore it from a backup.")
        statement = open_envelope(one.envelope, trust, now=now)
        check_signer(statement)
        if (statement.kind, statement.subject) != (one.kind, one.subject):
            raise IntegrityError("it is filed under another kind or subject", remedy="Restore it from a backup.")
        found.append(statement)

    _try(problems, name, check)
    return found[0] if found else None


Pair = tuple[str, str, object, object]
"""What is compared: its name, its evidence id, what is stored, what was signed (None: not there)."""


def _pairs(record: Record, opened: Mapping[str, OpenedStatement]) -> Iterator[Pair]:
    """Every stored record that something signed repeats, beside what was signed."""
    for run in (r for r in record.runs if r.verdict is not None):
        stored: dict[str, object] = {
            "gate_run": run.id,
            "verdict": run.verdict,
            "version_digest": version_digest(record.version),
            "inputs": run.inputs,
            "findings": run.findings,
            "actor": run.actor,
        }
        yield _pair(f"gate run {run.id}", run.evidence, stored, opened)
    for s in record.sign_offs:
        stored = {"gate_run": s.gate_run, "person": s.person, "approved": s.approved, "reason": s.reason}
        stored |= {"conditions": s.conditions, "delegation": s.delegation}
        yield _pair(f"sign-off {s.id}", s.statement, stored, opened)
    for h in record.hand_offs:
        yield _pair(f"hand-off {h.id}", h.statement, {"hand_off": hand_off_json(h)}, opened)
    for d in record.deployments:
        yield _pair(f"deployment {d.id}", d.statement, {"deployment": deployment_json(unsigned(d))}, opened)
    for link in standing_links(record):
        said = {"person": link.actor, "reason": link.why}
        yield _pair(f"link {link.seq}, {link.action}", str(link.facts["evidence"]), said, opened)
    agreed = {o.subject: e for e, o in opened.items() if o.kind is EvidenceKind.KPI_CONTRACT}
    for c in record.contracts:
        yield _pair(f"contract {c.id}", agreed.get(contract_digest(c), ""), {"contract": contract_json(c)}, opened)


def _pair(name: str, evidence: str, stored: Mapping[str, object], opened: Mapping[str, OpenedStatement]) -> Pair:
    statement = opened.get(evidence)
    signed = None if statement is None else {field: statement.predicate.get(field) for field in stored}
    return name, evidence, stored, signed


def _compared(name: str, evidence: str, stored: object, signed: object) -> BundleItem | None:
    if signed is None:
        why = f"its signed statement {evidence[:12] or '(none named)'} is not here or does not verify"
        return BundleItem(name, ItemStatus.COULD_NOT_VERIFY, why)
    if canonical(to_json(stored)) != canonical(to_json(signed)):
        return BundleItem(name, ItemStatus.WRONG, "what is stored is not what was signed")
    return None


def _try(problems: list[BundleItem], name: str, check: Callable[[], object]) -> None:
    """Run a check; what it raises becomes a problem, wrong or could not be verified."""
    try:
        check()
    except CouldNotVerifyError as error:
        problems.append(BundleItem(name, ItemStatus.COULD_NOT_VERIFY, error.what))
    except (IntegrityError, DataError) as error:
        problems.append(BundleItem(name, ItemStatus.WRONG, error.what))
