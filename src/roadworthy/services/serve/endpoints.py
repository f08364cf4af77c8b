"""Identifying an endpoint: a stable route in front of one declared decision point."""

from __future__ import annotations

from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.services.catalog.use_cases import check_name
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House


def register_endpoint(house: House, actor: Person, name: str, use_case: str, decision_point: str) -> Endpoint:
    """Record a new endpoint for a decision point that the use case declares."""
    house.allow(actor, "deploy", facts_of(house, use_case=use_case))
    check_name(name, "endpoint")
    with house.store.begin() as tx:
        case = tx.of(UseCase).get(use_case)
        declared = [p.name for p in case.decision_points]
        if decision_point not in declared:
            raise SettingError(
                f"the use case '{case.id}' has no decision point '{decision_point}'",
                remedy=f"Declared: {', '.join(declared) or 'none'}.",
                field="decision_point",
            )
        endpoint = Endpoint(name, case.id, decision_point, house.clock.now())
        tx.of(Endpoint).add(endpoint)
        house.record(tx, actor.id, "endpoint-registered", name, decision_point)
    return endpoint
