"""Composing: registered versions, each approved, become one version that is judged, deployed and rolled back as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.model import Member, ModelVersion
from roadworthy.domain.storing.composition import HEAD, Composition, Fallback, Part, RuleSet, packed
from roadworthy.domain.trust import Person
from roadworthy.services.catalog.versions import NewVersion, register_version
from roadworthy.services.composing.members import require_member
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House


class MemberSaid(msgspec.Struct, forbid_unknown_fields=True):
    """A member as it is written: which version, and under which name (empty = the model's)."""

    version: str
    name: str = ""
    weight: float = 1.0


class RuleSaid(msgspec.Struct, forbid_unknown_fields=True):
    """A rule around the members."""

    name: str
    when: str
    score: float | str


class RulesSaid(msgspec.Struct, forbid_unknown_fields=True):
    """Rules around the members."""

    rules: tuple[RuleSaid, ...]
    let: dict[str, str] = {}


class FallbackSaid(msgspec.Struct, forbid_unknown_fields=True):
    """What answers when the members do not."""

    member: str = ""
    score: float | None = None
    after_ms: float = 0.0


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """A composition as it is written; see `domain/storing/composition.py` for what the fields mean."""

    kind: str
    members: tuple[MemberSaid, ...]
    combiner: str = ""
    column: str = ""
    cases: dict[str, str] = {}
    otherwise: str = ""
    before: RulesSaid | None = None
    after: RulesSaid | None = None
    fallback: FallbackSaid | None = None


@dataclass(frozen=True, slots=True)
class NewComposition:
    """What a data scientist hands in: the document, and what any new version says of itself."""

    use_case: str
    name: str
    document: str
    train_dataset: str = ""
    threshold: float = 0.5
    description: str = ""


def compose(house: House, actor: Person, new: NewComposition) -> ModelVersion:
    """Register a composition as a version in the state `registered`.

    Its developers' and its members' developers may not approve it: the members are its parents.

    Raises:
        ArtifactError: the document cannot be meant; names the field.
        ConflictError: a member is of another use case, is out of service, is a composition, or its approval is
            missing or has ended.
        NotFoundError: there is no such version. And as `register_version`.
    """
    house.allow(actor, "register-version", facts_of(house, use_case=new.use_case))
    said = _read(new.document)
    with house.store.read() as tx:
        versions = [tx.of(ModelVersion).get(member.version) for member in said.members]
        for version in versions:
            require_member(house, tx, version, new.use_case)
    names = [member.name or version.name for member, version in zip(said.members, versions, strict=True)]
    composition = _composition(said, names, versions)
    document = HEAD + msgspec.json.encode(composition)[1:]
    artifacts = {
        name: house.artifacts.fetch(version.artifact, version.files)
        for name, version in zip(names, versions, strict=True)
    }
    return register_version(
        house,
        actor,
        NewVersion(
            use_case=new.use_case,
            name=new.name,
            artifact=packed(document, artifacts),
            train_dataset=new.train_dataset or versions[0].train_dataset,
            threshold=new.threshold,
            inputs=composition.inputs,
            description=new.description,
            parents=tuple(dict.fromkeys(version.id for version in versions)),
            members=tuple(part.member for part in composition.parts),
        ),
    )


def _read(document: str) -> Said:
    try:
        fields: Any = yaml.safe_load(document)
        if isinstance(fields, dict) and fields.pop("roadworthy", "composition/1") == "composition/1":
            return msgspec.convert(fields, Said)
        why = "it does not say 'roadworthy: composition/1'"
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        why = " ".join(str(error).split())[:300]
    raise ArtifactError(
        f"the composition cannot be read: {why}", remedy="See the data scientist's guide for its fields."
    )


def _composition(said: Said, names: list[str], versions: list[ModelVersion]) -> Composition:
    parts = tuple(
        Part(
            name=name,
            member=Member(version.id, version.artifact, version.threshold, version.files),
            format=version.format,
            signature=version.signature,
            weight=member.weight,
        )
        for name, version, member in zip(names, versions, said.members, strict=True)
    )
    spare = said.fallback
    return Composition(
        kind=said.kind,
        parts=parts,
        combiner=said.combiner,
        column=said.column,
        cases=said.cases,
        otherwise=said.otherwise,
        before=_rules(said.before),
        after=_rules(said.after),
        fallback=Fallback(spare.member, spare.score, spare.after_ms) if spare else None,
    )


def _rules(said: RulesSaid | None) -> RuleSet | None:
    return RuleSet(tuple((r.name, r.when, r.score) for r in said.rules), dict(said.let)) if said else None
