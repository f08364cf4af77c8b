"""A composition: several versions as one unit, an artifact that holds all of them and says how they answer together.

As an artifact it is a folder: `composition.json`, this document, and below `members/NAME/` each member's own artifact.
So its digest covers every byte that answers, and a change of one member is another composition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.domain.model import ArtifactFormat, Member, Signature
from roadworthy.domain.storing.folder import Artifact, Folder, write_list

DOCUMENT = "composition.json"
HEAD = b'{"roadworthy":"composition/1",'
"""How the document begins: we write it, in one spelling."""

MEMBERS = "members"
SINGLE = "model"
"""What the file of a member is called whose artifact is one file."""

KINDS = ("average", "weighted", "vote", "stack", "chain", "switch")
MOST_MEMBERS = 50
SCORE = "score"
"""The column by which rules after the members see what these answered."""


@dataclass(frozen=True, slots=True)
class Part:
    """One member: the name it has here, the version it is, and what is needed to load it.

    One of weight 0 is asked only as the fallback.
    """

    name: str
    member: Member
    format: ArtifactFormat
    signature: Signature
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules around the members: each (name, CEL condition, score or CEL expression); `let` names expressions."""

    rules: tuple[tuple[str, str, float | str], ...]
    let: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fallback:
    """What answers a row that the members could not: another member, else a score.

    `after_ms` is how long the members may take (0 = as long as they want).
    """

    member: str = ""
    score: float | None = None
    after_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Composition:
    """How members answer together.

    average: the mean score. weighted: the mean by `weight`. vote: the share of members whose score reaches their own
    threshold. stack: `combiner` is asked with the columns and every other member's score under its name. chain: each
    member is asked with the columns and the scores of those before it under their names; the last one's counts.
    switch: the member that `cases` names for the value of `column`, else `otherwise`.
    """

    kind: str
    parts: tuple[Part, ...]
    combiner: str = ""
    column: str = ""
    cases: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = ""
    before: RuleSet | None = None
    after: RuleSet | None = None
    fallback: Fallback | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises ArtifactError."""
        names = [p.name for p in self.parts]
        spare = self.fallback.member if self.fallback else ""
        named = {self.combiner, self.otherwise, spare, *self.cases.values()} - {""}
        wrong = {
            f"the kind '{self.kind[:40]}'": self.kind not in KINDS,
            f"{len(names)} members": not 0 < len(names) <= MOST_MEMBERS,
            "two members of one name": len(set(names)) < len(names),
            "a member whose name is no name": not all(
                n.isidentifier() and n.isascii() and len(n) <= 80 for n in names
            ),
            f"members that are not there ({shortlist(sorted(named - set(names)))})": not named <= set(names),
            "weights below 0": not all(0 <= p.weight < float("inf") for p in self.parts),
            "a stack without a combiner and another member": self.kind == "stack"
            and (not self.combiner or len(self.voters) < 1),
            "a switch without column, cases and otherwise": self.kind == "switch"
            and not (self.column and self.cases and self.otherwise),
            "no member that answers": not self.voters,
            "a fallback without member or score, or with both": self.fallback is not None
            and bool(spare) == (self.fallback.score is not None),
            "a fallback score outside 0..1": self.fallback is not None
            and not 0 <= (self.fallback.score or 0.0) <= 1,
            "a time limit that is none": self.fallback is not None and not 0 <= self.fallback.after_ms < 1e7,
        }
        problem = next((what for what, is_so in wrong.items() if is_so), "")
        if problem:
            raise ArtifactError(
                f"the composition has {problem}",
                remedy=f"Kinds: {', '.join(KINDS)}; see the data scientist's guide.",
            )

    def part(self, name: str) -> Part:
        """The member with this name."""
        return next(p for p in self.parts if p.name == name)

    @property
    def voters(self) -> tuple[Part, ...]:
        """The members whose scores are put together: not the combiner, and not those of weight 0."""
        return tuple(p for p in self.parts if p.name != self.combiner and p.weight > 0)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns a request must have, each once: every member's, but not what other members make."""
        found: dict[str, None] = {}
        made: set[str] = set()
        for part in self.voters:
            found.update(dict.fromkeys(n for n in part.signature.names if n not in made))
            if self.kind == "chain":
                made.add(part.name)
        rest = [p for p in self.parts if p not in self.voters]
        for part in rest:
            stacked = {p.name for p in self.voters} if part.name == self.combiner else set()
            found.update(dict.fromkeys(n for n in part.signature.names if n not in stacked))
        if self.kind == "switch":
            found.setdefault(self.column)
        return tuple(found)


def packed(document: bytes, artifacts: Mapping[str, Artifact]) -> Folder:
    """The artifact of a composition: its document and each member's own artifact, by the member's name."""
    files = {DOCUMENT: document}
    for name, artifact in artifacts.items():
        own = artifact.files if isinstance(artifact, Folder) else {SINGLE: artifact}
        files |= {f"{MEMBERS}/{name}/{file}": data for file, data in own.items()}
    return Folder(files)


def unpacked(files: Mapping[str, bytes], part: Part) -> Artifact:
    """A member's own artifact.

    Raises:
        ArtifactError: it is not there, or not the one that the document names.
    """
    home = f"{MEMBERS}/{part.name}/"
    own = {name[len(home) :]: data for name, data in files.items() if name.startswith(home)}
    artifact: Artifact = Folder(own) if part.member.files else own.get(SINGLE, b"")
    digest = artifact.digest if isinstance(artifact, Folder) else hashlib.sha256(artifact).hexdigest()
    listed = hashlib.sha256(write_list(artifact.digests)).hexdigest() if isinstance(artifact, Folder) else ""
    if digest != part.member.artifact or listed != part.member.files or (not part.member.files and len(own) != 1):
        raise ArtifactError(
            f"the member '{part.name}' is not the artifact of {part.member.version}",
            remedy="Compose it again from the versions that were judged.",
            member=part.name,
        )
    return artifact
