"""Who answers for it: approvals and rejections, delegations, and the hand-off with its run book."""

from __future__ import annotations

import msgspec

from roadworthy.domain.documents.document import Block, Cell, Facts, Prose, Section, Table, Tone
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.gate import Gate
from roadworthy.domain.trust import ApprovalTerms, Conditions, FormerKey, HandOff, SignOff
from roadworthy.evidence.licence import STANDING
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import NOT_RECORDED, listed, said, when


def chapter(record: Record, proof: Proof) -> Section:
    """Approvals and hand-off."""
    return Section(
        "people",
        "Approvals and hand-off",
        (*_quorum(record, proof), *_sign_offs(record)),
        (
            Section("hand-off", "Hand-off and run book", _hand_offs(record)),
            Section("standing", "Suspensions, reinstatements, retirement", (_standing(record),)),
            Section("signers", "People and keys", (_people(record),)),
        ),
    )


def _quorum(record: Record, proof: Proof) -> tuple[Block, ...]:
    """What the newest validation that let the version through demands of an approval, as signed, and what there is."""
    passed = [r for r in record.runs if r.gate is Gate.VALIDATION and r.verdict and r.verdict.lets_through]
    if not passed:
        return ()
    by, terms = (
        passed[-1].evidence,
        msgspec.convert(proof.predicate(passed[-1].evidence).get("approval", {}), ApprovalTerms),
    )
    mine = [s for s in record.sign_offs if s.evidence == by]
    people = dict.fromkeys(s.person for s in mine if s.approved)
    age = "no limit" if terms.max_age_days is None else f"{number(terms.max_age_days)} days"
    decisions = "no limit" if terms.max_decisions is None else f"{terms.max_decisions:,}"
    return (
        Facts(
            (
                ("Approval of", Cell(passed[-1].id, by, code=True)),
                ("Quorum", Cell(f"{terms.quorum} of independent people, {len(people)} approved", by)),
                ("Approved by", Cell(listed(list(people)) if people else "nobody", by)),
                ("Renewal", Cell(f"round {max((s.round for s in mine), default=1)}", by)),
                ("Holds for", Cell(age, by)),
                ("Decisions", Cell(decisions, by)),
                ("Ends on a proven defect", Cell("yes" if terms.void_on_drift else "no", by)),
                ("Why so", said(terms.reason, by)),
            )
        ),
    )


def _sign_offs(record: Record) -> tuple[Block, ...]:
    if not record.sign_offs:
        return (Prose(f"Approval or rejection: {NOT_RECORDED}.", Tone.OPEN),)
    validations = [r for r in record.runs if r.gate is Gate.VALIDATION and r.evidence]
    newest = validations[-1].evidence if validations else ""
    rows = tuple(
        (
            Cell(s.person, s.statement),
            Cell("approved" if s.approved else "rejected", s.statement, "pass" if s.approved else "fail"),
            Cell(when(s.created_at)),
            said(s.reason),
            Cell(_conditions(s.conditions)),
            Cell(s.delegation or "in their own name"),
            Cell(_bound(s, newest), s.evidence),
        )
        for s in record.sign_offs
    )
    columns = ("Who", "Decision", "When", "Reason", "Conditions", "Delegation", "Binds")
    blocks: list[Block] = [Table("Sign-offs, oldest first", columns, rows)]
    if record.delegations:
        blocks.append(_delegations(record))
    return tuple(blocks)


def _bound(sign_off: SignOff, newest: str) -> str:
    if sign_off.evidence == newest:
        return f"{sign_off.gate_run}, the newest validation"
    return f"{sign_off.gate_run}: void, there is newer evidence"


def _conditions(given: Conditions) -> str:
    parts = [f"only {column} in {listed(values)}" for column, values in given.only.items()]
    if given.until:
        parts.append(f"until {when(given.until)}")
    return "; ".join(parts) or "none"


def _delegations(record: Record) -> Table:
    rows = tuple(
        (
            Cell(d.id, d.statement, code=True),
            Cell(d.giver),
            Cell(d.taker),
            Cell(d.action),
            Cell(f"{when(d.created_at)} to {when(d.until)}"),
            said(d.reason),
            Cell(f"revoked {when(d.revoked_at)}" if d.revoked_at else "not revoked"),
        )
        for d in record.delegations
    )
    return Table("Delegations used", ("Delegation", "By", "To", "Of", "Time", "Reason", "Revoked"), rows)


def _hand_offs(record: Record) -> tuple[Block, ...]:
    if not record.hand_offs:
        return (Prose(f"Hand-off: {NOT_RECORDED}.", Tone.OPEN),)
    return tuple(_accepted(h) for h in record.hand_offs)


def _accepted(hand_off: HandOff) -> Facts:
    by = hand_off.statement
    return Facts(
        (
            ("Accepted by", Cell(hand_off.operator, by)),
            ("In whose place", Cell(hand_off.delegation or "their own", by)),
            ("Service owner", Cell(hand_off.service_owner, by)),
            ("Accepted", Cell(when(hand_off.accepted_at), by)),
            ("Run book", said(hand_off.run_book, by)),
        )
    )


def _standing(record: Record) -> Block:
    told = [c for c in record.changes if c.subject == record.version.id and c.action in STANDING]
    if not told:
        return Prose("This version was never suspended, reinstated or retired.")
    rows = tuple(
        (
            Cell(c.action, str(c.facts.get("evidence", ""))),
            Cell(c.actor),
            Cell(when(c.at)),
            said(c.why),
            Cell(str(c.facts.get("cause", ""))),
            Cell(f"link {c.seq}"),
        )
        for c in told
    )
    return Table(
        "What took it out of service or brought it back", ("What", "Who", "When", "Why", "Cause", "Link"), rows
    )


def _people(record: Record) -> Table:
    named = {e.signer for e in record.evidence} | set(record.version.developers) | {record.case.owner}
    rows = tuple(
        (
            Cell(p.id),
            Cell(listed([r.value for r in p.roles])),
            Cell(p.key_id or "no key", code=bool(p.key_id)),
            Cell(listed([_former(k) for k in p.former])),
            Cell("yes" if p.active else "no"),
        )
        for p in record.people
        if p.id in named
    )
    return Table(
        "Who made, owns or signed something here", ("Person", "Roles", "Key", "Keys before", "Active"), rows
    )


def _former(key: FormerKey) -> str:
    since = f", compromised since {when(key.compromised_since)}" if key.compromised_since else ""
    return f"{key.key_id[:16]}... until {when(key.valid_until)}{since}"
