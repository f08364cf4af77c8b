"""Use cases, their KPI contracts and their data sets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from roadworthy.domain.errors import NotFoundError, SettingError
from roadworthy.domain.model import Dataset, DatasetRole
from roadworthy.domain.storing.query import PAGE
from roadworthy.domain.use_case import Bound, DecisionPoint, DecisionPointKind, KpiLimit, RiskTier, UseCase
from roadworthy.services.catalog.contracts import KpiTerms, agree_contract, contract_in_force, validate_again
from roadworthy.services.catalog.datasets import dataset_bytes, register_dataset
from roadworthy.services.catalog.looks import looks
from roadworthy.services.catalog.splits import SplitTerms, split_at_creation
from roadworthy.services.catalog.use_cases import register_use_case
from roadworthy.services.facts import facts_of
from roadworthy.services.house import plain
from roadworthy.services.watch.lists import listed
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["use cases"])


class NewDecisionPoint(BaseModel):
    """A place where a score turns into an action."""

    model_config = ConfigDict(extra="forbid")
    name: str
    kind: DecisionPointKind = DecisionPointKind.APPLICATION
    consumer: str


class NewUseCase(BaseModel):
    """A use case to register."""

    model_config = ConfigDict(extra="forbid")
    id: str
    objective: str
    owner: str
    target: str
    positive_label: str
    risk_tier: RiskTier = RiskTier.MEDIUM
    label_delay_days: float = 0.0
    decision_points: list[NewDecisionPoint] = Field(default_factory=list)
    sensitive: list[str] = Field(default_factory=list)
    segments: list[str] = Field(default_factory=list)
    not_known_at_decision: list[str] = Field(default_factory=list)
    time_column: str = ""


class NewLimit(BaseModel):
    """A guardrail or an unintended outcome, with its limit."""

    model_config = ConfigDict(extra="forbid")
    name: str
    expression: str
    bound: Bound
    limit: float
    unit: str = ""


class NewContract(BaseModel):
    """A KPI contract to agree."""

    model_config = ConfigDict(extra="forbid")
    unit: str
    value: str
    target: float
    holdout_share: float
    holdout_acts: bool
    guardrails: list[NewLimit] = Field(default_factory=list)
    unintended: list[NewLimit] = Field(default_factory=list)
    label_delay_days: float | None = None
    why: str = ""


@router.get("/use-cases")
def list_use_cases(
    house: TheHouse, actor: ActingPerson, owner: str = "", limit: int = PAGE, cursor: str = ""
) -> dict[str, Any]:
    """Use cases, newest first: `items`, `total`, and `next`, the cursor of the page that follows."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(listed(house, UseCase, owner=owner, limit=limit, cursor=cursor))
    return found


@router.get("/use-cases/{use_case}")
def get_use_case(house: TheHouse, actor: ActingPerson, use_case: str) -> dict[str, Any]:
    """One use case."""
    house.allow(actor, "read", facts_of(house, use_case=use_case))
    with house.store.read() as tx:
        found: dict[str, Any] = plain(tx.of(UseCase).get(use_case))
    return found


@router.post("/use-cases", status_code=201)
def post_use_case(house: TheHouse, actor: ActingPerson, body: NewUseCase) -> dict[str, Any]:
    """Register a use case."""
    points = tuple(DecisionPoint(p.name, p.kind, p.consumer) for p in body.decision_points)
    case = UseCase(
        id=body.id,
        objective=body.objective,
        owner=body.owner,
        risk_tier=body.risk_tier,
        target=body.target,
        positive_label=body.positive_label,
        label_delay_days=body.label_delay_days,
        decision_points=points,
        created_at=house.clock.now(),
        sensitive=tuple(body.sensitive),
        segments=tuple(body.segments),
        not_known_at_decision=tuple(body.not_known_at_decision),
        time_column=body.time_column,
    )
    found: dict[str, Any] = plain(register_use_case(house, actor, case))
    return found


@router.get("/use-cases/{use_case}/contract")
def get_contract(house: TheHouse, actor: ActingPerson, use_case: str) -> dict[str, Any]:
    """The contract in force with its signature, and which versions were validated under an earlier one."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        tx.of(UseCase).get(use_case)
        signed = contract_in_force(tx, use_case)
        again = validate_again(tx, use_case)
    if signed is None:
        raise NotFoundError(f"'{use_case}' has no signed contract", remedy="Agree one: `roadworthy agree`.")
    return {"contract": plain(signed[0]), "evidence": plain(signed[1]), "validate_again": dict(again)}


@router.post("/use-cases/{use_case}/contract", status_code=201)
def post_contract(house: TheHouse, actor: ActingPerson, use_case: str, body: NewContract) -> dict[str, Any]:
    """Agree and sign a contract."""
    terms = KpiTerms(
        use_case=use_case,
        unit=body.unit,
        value=body.value,
        target=body.target,
        holdout_share=body.holdout_share,
        holdout_acts=body.holdout_acts,
        guardrails=tuple(_limit(x) for x in body.guardrails),
        unintended=tuple(_limit(x) for x in body.unintended),
        label_delay_days=body.label_delay_days,
        why=body.why,
    )
    contract, evidence = agree_contract(house, actor, terms)
    with house.store.read() as tx:
        again = validate_again(tx, use_case)
    return {"contract": plain(contract), "evidence": plain(evidence), "validate_again": dict(again)}


def _limit(given: NewLimit) -> KpiLimit:
    return KpiLimit(given.name, given.expression, given.bound, given.limit, given.unit)


@router.get("/use-cases/{use_case}/datasets")
def list_datasets(house: TheHouse, actor: ActingPerson, use_case: str) -> list[dict[str, Any]]:
    """The data sets of a use case."""
    house.allow(actor, "read")
    with house.store.read() as tx:
        tx.of(UseCase).get(use_case)
        return [plain(d) for d in tx.of(Dataset).find(use_case=use_case)]


@router.post("/use-cases/{use_case}/split", status_code=201)
async def post_split(
    house: TheHouse,
    actor: ActingPerson,
    use_case: str,
    request: Request,
    *,
    name: Annotated[str, Query()],
    share: Annotated[float, Query()],
    by: Annotated[str, Query()] = "random",
    seed: Annotated[int, Query()] = 0,
) -> dict[str, Any]:
    """Split the first file of a new use case into training and sealed rows: the body is the file's bytes."""
    data = await request.body()
    terms = SplitTerms(share, by, seed)
    found: dict[str, Any] = plain(
        await run_in_threadpool(split_at_creation, house, actor, use_case, data, name, terms)
    )
    return found


@router.get("/datasets/{dataset}/content")
def get_content(house: TheHouse, actor: ActingPerson, dataset: str) -> Response:
    """A data set's bytes; those of sealed data are handed out to nobody."""
    found, data = dataset_bytes(house, actor, dataset)
    kind = "parquet" if data.startswith(b"PAR1") else "csv"
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{found.id}.{kind}"'},
    )


@router.get("/use-cases/{use_case}/looks")
def list_looks(house: TheHouse, actor: ActingPerson, use_case: str) -> list[dict[str, Any]]:
    """Every look at the use case's sealed data, newest first."""
    house.allow(actor, "read")
    return [plain(seen) for seen in looks(house, use_case)]


@router.post("/use-cases/{use_case}/datasets", status_code=201)
async def post_dataset(
    house: TheHouse,
    actor: ActingPerson,
    use_case: str,
    request: Request,
    role: Annotated[str, Query()],
    name: Annotated[str, Query()],
    synthetic: Annotated[bool, Query()] = False,
) -> dict[str, Any]:
    """Register a data set: the body is the file's bytes, `name` its file name."""
    roles = {r.name.lower(): r for r in DatasetRole}
    if role not in roles:
        raise SettingError(f"there is no role '{role}'", remedy=f"Allowed: {', '.join(roles)}.", field="role")
    data = await request.body()
    # In a thread: this process answers decisions on the same event loop.
    made = await run_in_threadpool(
        register_dataset, house, actor, use_case, roles[role], data, name, synthetic=synthetic
    )
    found: dict[str, Any] = plain(made)
    return found
