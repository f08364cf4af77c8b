"""The value ledger: one line per version and window, in the contract's unit."""

from __future__ import annotations

from datetime import datetime

from roadworthy.domain.review import LedgerEntry
from roadworthy.domain.use_case import KpiContract
from roadworthy.value.attribution import Attribution


def entry(
    *,
    id: str,  # noqa: A002 - the entity's own field name
    endpoint: str,
    version: str,
    contract: KpiContract,
    since: datetime,
    until: datetime,
    attribution: Attribution,
) -> LedgerEntry | None:
    """The ledger line of a window (since <= decision < until); None while no unit of the model has a known value.

    None, because a line states what the model's units earned and there is no such number yet; a window whose value
    is known but not attributable does get its line, with `measurable` False and the reason.
    """
    if attribution.value_model is None:
        return None
    return LedgerEntry(
        id=id,
        endpoint=endpoint,
        version=version,
        contract=contract.id,
        since=since,
        until=until,
        unit=contract.unit,
        units_served=attribution.units_model,
        units_held_out=attribution.units_holdout,
        value_model=attribution.value_model,
        value_holdout=attribution.value_holdout,
        measurable=attribution.measurable,
        per_unit=attribution.per_unit,
        interval=attribution.interval,
        total=attribution.total,
        holdout_cost=attribution.holdout_cost,
        reason="" if attribution.measurable else attribution.sentence,
    )
