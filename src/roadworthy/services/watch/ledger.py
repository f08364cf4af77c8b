"""The value ledger: what each version earned since it began to serve, against units decided without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.serving import Decision, DecisionStatus, Endpoint, Outcome
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.services.house import House
from roadworthy.services.watch.windows import decision_frame, due
from roadworthy.value.attribution import attribute
from roadworthy.value.expression import compile_expression, evaluate
from roadworthy.value.ledger import entry

_HELD = "held out"


def ledger_entries(
    house: House,
    endpoint: Endpoint,
    contract: KpiContract | None,
    case: UseCase,
    life: Sequence[Decision],
    outcomes: Mapping[str, Outcome],
) -> list[LedgerEntry]:
    """One line per version that ever decided here, over all its decisions so far; the caller numbers them.

    A version is compared only with hold-out units of the same deployment revisions: while it is a canary its share
    moves, and the world may move with it.
    """
    if contract is None:
        return []
    versions = list(dict.fromkeys(d.version for d in life if d.version))
    lines = (_line(house, endpoint, contract, case, version, life, outcomes) for version in versions)
    return [line for line in lines if line is not None]


def _line(
    house: House,
    endpoint: Endpoint,
    contract: KpiContract,
    case: UseCase,
    version: str,
    life: Sequence[Decision],
    outcomes: Mapping[str, Outcome],
) -> LedgerEntry | None:
    propensities = {(d.deployment, d.revision): d.propensity for d in life if d.version == version}
    rows = [d for d in life if d.version == version or _held_beside(d, propensities)]
    frame = decision_frame(rows, outcomes)
    values = evaluate(compile_expression(contract.value, frame.names, "the KPI value"), frame)
    held = np.array([_is_held(d) for d in rows], dtype=np.bool_)
    holdouts = _holdout_shares(life)
    shares = np.array([_share_of_pair(d, propensities, holdouts) for d in rows], dtype=np.float64)
    since = min(d.at for d in rows)
    until = max(d.at for d in rows) + timedelta(microseconds=1)
    return entry(
        id=f"{endpoint.id}-{version}",
        endpoint=endpoint.id,
        version=version,
        contract=contract,
        since=since,
        until=until,
        attribution=attribute(values, held, shares, due=due(house, case, contract, rows)),
    )


def _held_beside(decision: Decision, propensities: Mapping[tuple[str, int], float]) -> bool:
    return _is_held(decision) and (decision.deployment, decision.revision) in propensities


def _holdout_shares(life: Sequence[Decision]) -> dict[tuple[str, int], float]:
    """The hold-out's share per deployment revision, from the logged propensities: contracts change, logs do not."""
    seen: dict[tuple[str, int], dict[str, float]] = {}
    for d in life:
        seen.setdefault((d.deployment, d.revision), {})[_HELD if _is_held(d) else d.arm] = d.propensity
    return {key: arms.get(_HELD, max(0.0, 1.0 - sum(arms.values()))) for key, arms in seen.items()}


def _share_of_pair(
    decision: Decision, propensities: Mapping[tuple[str, int], float], holdouts: Mapping[tuple[str, int], float]
) -> float:
    """Chance of the hold-out among {hold-out, this version}, under the weights then in force."""
    key = (decision.deployment, decision.revision)
    return holdouts[key] / (holdouts[key] + propensities[key])


def _is_held(decision: Decision) -> bool:
    return decision.status is DecisionStatus.HELD_OUT
