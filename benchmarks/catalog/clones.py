"""Another version of what a template shows: other names, other days, signed anew.

A clone is the template's stored text with names replaced, so it has what the services wrote and nothing else. What
hangs on names is computed again with the functions the services use: digests, envelopes and their ids, links.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import msgspec
from benchmarks.catalog.templates import Part

from roadworthy.adapters.storage.rows import to_body
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Keyring, Stored
from roadworthy.domain.serving import Deployment
from roadworthy.domain.trust import Change, Evidence, EvidenceKind
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.evidence.chain import next_link
from roadworthy.evidence.digest import digest_of
from roadworthy.evidence.envelope import make_evidence
from roadworthy.evidence.statements import checkpoint_statement, contract_digest, unsigned, version_digest
from roadworthy.services.house import PLATFORM

DAY = re.compile(r"\b2026-03-\d\d(?=T)")
"""Every day of the templates' simulated clock."""

DIGESTS: dict[type[Any], Callable[[Any], str]] = {
    UseCase: digest_of,
    KpiContract: contract_digest,
    ModelVersion: version_digest,
    Deployment: lambda d: digest_of(unsigned(d)),
}
"""What statements name these by."""


@dataclass
class Naming:
    """Old text -> new text; longer ones first, and a number is never taken for the beginning of a longer one."""

    words: dict[str, str]
    days: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    _compiled: re.Pattern[str] | None = None

    def __call__(self, text: str) -> str:
        """The text under the new names."""
        if self._compiled is None:
            known = sorted(self.words, key=len, reverse=True)
            names = "|".join(re.escape(w) for w in known)
            self._compiled = re.compile(rf"(?<!\w)(?:{names})(?!\w)|\b[0-9a-f]{{64}}\b|{DAY.pattern}")
        return self._compiled.sub(self._new, text)

    def _new(self, found: re.Match[str]) -> str:
        old = found.group()
        if (new := self.words.get(old)) is not None:
            return new
        if len(old) == 10 and old.startswith("2026-03-"):
            return (date.fromisoformat(old) + timedelta(days=self.days)).isoformat()
        return self.digests.get(old, old)


class Cloner:
    """Makes clones, one after the other, on one growing change record whose newest link is `head`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.head: Change | None = None

    def entities(self, part: Part, name: Naming) -> list[Stored]:
        """Everything but checkpoints, in the order of the part; what was computed on the way stays in `name`."""
        made: dict[tuple[type[Any], str], Stored] = {}
        for kind, digest in DIGESTS.items():
            for old in part.entities.get(kind, ()):
                name.digests[digest(old)] = digest(renamed(old, name))
        for old in part.entities.get(Evidence, ()):
            if isinstance(old, Evidence) and old.kind is not EvidenceKind.CHECKPOINT:
                new = self._signed(old, name)
                name.digests[old.id] = new.id
                made[Evidence, old.id] = new
        found: list[Stored] = []
        for old in part.all():
            if not isinstance(old, Evidence):
                found.append(renamed(old, name))
            elif old.kind is not EvidenceKind.CHECKPOINT:
                found.append(made[Evidence, old.id])
        return found

    def links(self, part: Part, name: Naming) -> tuple[list[Change], list[Evidence]]:
        """The part's links after the head, and the checkpoints that were signed at them."""
        reasons = checkpoints_of(part)
        links, signed = [], []
        for old in part.changes:
            facts = json.loads(name(json.dumps(old.facts)))
            at = old.at + timedelta(days=name.days)
            if self.head is not None:
                at = max(at, self.head.at)
            self.head = next_link(
                self.head,
                at=at,
                actor=name(old.actor),
                action=old.action,
                subject=name(old.subject),
                why=name(old.why),
                facts=facts,
            )
            links.append(self.head)
            if old.digest in reasons:
                statement = checkpoint_statement(self.head, reason=reasons[old.digest], now=at)
                signer = self._keyring.signer(PLATFORM)
                signed.append(make_evidence(statement, signer, person=PLATFORM, now=at))
        return links, signed

    def _signed(self, old: Evidence, name: Naming) -> Evidence:
        payload = b64decode(json.loads(old.envelope)["payload"])
        statement = json.loads(name(payload.decode()))
        signer = name(old.signer)
        at = old.created_at + timedelta(days=name.days)
        return make_evidence(statement, self._keyring.signer(signer), person=signer, now=at)


def checkpoints_of(part: Part) -> dict[str, str]:
    """Digest of a link -> why a checkpoint was signed at it."""
    found = {}
    for e in part.entities.get(Evidence, ()):
        if isinstance(e, Evidence) and e.kind is EvidenceKind.CHECKPOINT:
            found[e.subject] = json.loads(b64decode(json.loads(e.envelope)["payload"]))["predicate"]["reason"]
    return found


def renamed(old: Stored, name: Naming) -> Any:
    """An entity under the new names."""
    body = name(to_body(old, "template"))
    new = msgspec.json.decode(body, type=type(old))
    if isinstance(new, ModelVersion):
        model, _, number = new.id.rpartition(":")
        new = replace(new, name=model, number=int(number))
    return new
