"""What served: endpoints, deployments with their arms, the decisions of rollouts, and incidents."""

from __future__ import annotations

from roadworthy.domain.documents.document import Block, Cell, Facts, Prose, Section, Table, Tone
from roadworthy.domain.documents.numbers import number
from roadworthy.domain.serving import Deployment
from roadworthy.domain.trust import Change
from roadworthy.services.dossier.chapters.card import slug
from roadworthy.services.dossier.proof import Proof
from roadworthy.services.dossier.record import Record
from roadworthy.services.dossier.words import NOT_RECORDED, listed, said, when

INCIDENTS = ("rolled-back", "recalled", "suspended", "paused", "refused", "reopened")
"""Ends of actions in the change record that tell of an incident."""


def chapter(record: Record, _: Proof) -> Section:
    """Deployments, newest last, then incidents."""
    told: tuple[Block, ...] = ()
    if not record.deployments:
        told = (Prose(f"Deployment: {NOT_RECORDED}.", Tone.OPEN),)
    parts = (
        *(_deployment(d, record) for d in record.deployments),
        Section("incidents", "Incidents", (_incidents(record),)),
    )
    return Section("serving", "Deployments and rollouts", told, parts)


def incidents(record: Record) -> tuple[Change, ...]:
    """Links of the change record about this version that tell of an incident."""
    return tuple(c for c in record.changes if c.action.endswith(INCIDENTS))


def _deployment(of: Deployment, record: Record) -> Section:
    by = of.statement
    point = next((e.decision_point for e in record.endpoints if e.id == of.endpoint), NOT_RECORDED)
    facts = Facts(
        (
            ("Endpoint", Cell(f"{of.endpoint}, at {point}", by)),
            ("Strategy", Cell(of.strategy.value, by)),
            ("State", Cell(f"{of.state.value}, revision {of.revision}", by)),
            ("Put in force", Cell(f"{when(of.created_at)} by {of.created_by}", by)),
            (
                "Schedule",
                Cell(listed([number(100 * s, "%") for s in of.schedule]) if of.schedule else "none", by),
            ),
            ("Came after", Cell(of.previous or "nothing", by)),
            ("Reason", said(of.reason, by)),
        )
    )
    arms = tuple(
        (
            Cell(a.name),
            Cell(a.role.value),
            Cell(number(100 * a.weight, "%"), number=True),
            Cell(a.version or "no model"),
            Cell(number(a.threshold) if a.version else "none", number=True),
        )
        for a in of.arms
    )
    table = Table(f"Arms of {of.id}", ("Arm", "Role", "Share", "Version", "Acts from score"), arms)
    return Section(f"deployment-{slug(of.id)}", f"Deployment {of.id}", (facts, table, *_looks(of, record)))


def _looks(of: Deployment, record: Record) -> tuple[Block, ...]:
    looks = [k for k in record.rollouts if k.deployment == of.id]
    if not looks:
        return ()
    rows = tuple(
        (
            Cell(when(k.at)),
            Cell(k.action),
            Cell(k.reason),
            Cell(number(100 * k.share, "%"), number=True),
            Cell(number(k.harm_e), number=True),
            Cell(number(k.safety_e), number=True),
            Cell(number(k.threshold), number=True),
            Cell(listed([f"{a}: {k.failures.get(a, 0)} of {n}" for a, n in k.requests.items()])),
        )
        for k in looks
    )
    columns = ("At", "Action", "Reason", "Share", "Harm E", "Safety E", "Needed", "Failures of requests")
    return (Table(f"Decisions of the rollout {of.id}", columns, rows),)


def _incidents(record: Record) -> Block:
    found = incidents(record)
    if not found:
        return Prose("No rollback, suspension, recall, pause or refused attempt is recorded for this version.")
    rows = tuple(
        (
            Cell(str(c.seq), number=True),
            Cell(when(c.at)),
            Cell(c.action),
            Cell(c.actor),
            Cell(c.subject),
            said(c.why),
        )
        for c in found
    )
    return Table("Incidents, oldest first", ("Link", "At", "What", "By", "About", "Why"), rows)
