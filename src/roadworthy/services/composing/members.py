"""Who may be a member of a composition, when it is made and for as long as it serves."""

from __future__ import annotations

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ArtifactFormat, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.services.house import House
from roadworthy.services.licence.approval import require_current

OUT_OF_SERVICE = (State.SUSPENDED, State.RETIRED, State.RETURNED)
"""States in which a version can be no member."""


def require_member(house: House, tx: Transaction, version: ModelVersion, use_case: str) -> None:
    """Refuse a version that may not answer inside a composition now. Raises ConflictError with the reason."""
    why = {
        f"belongs to '{version.use_case}'": version.use_case != use_case,
        f"is {version.state.value}": version.state in OUT_OF_SERVICE,
        "is itself a composition": version.format is ArtifactFormat.COMPOSITION,
    }
    problem = next((what for what, is_so in why.items() if is_so), "")
    if problem:
        raise ConflictError(
            f"{version.id} can be no member: it {problem}",
            remedy=f"Members are approved single versions of '{use_case}'.",
            version=version.id,
        )
    require_current(tx, version.id, house.clock.now())


def require_members(house: House, tx: Transaction, version: ModelVersion) -> None:
    """Refuse a composition of which a member may not answer any more. Raises ConflictError naming it."""
    for member in version.members:
        try:
            require_member(house, tx, tx.of(ModelVersion).get(member.version), version.use_case)
        except ConflictError as problem:
            raise ConflictError(
                f"{version.id} is refused: {problem.what}", remedy=problem.remedy, version=version.id
            ) from problem
