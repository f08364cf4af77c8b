"""What the policy may know of the object an action is about: read here, so that every service tells it the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.use_case import UseCase
from roadworthy.services.house import House

MAX_ANCESTORS = 1000
"""How many versions a lineage is followed over; more than one model ever has."""


def facts_of(house: House, *, version: str = "", use_case: str = "", endpoint: str = "") -> dict[str, Any]:
    """The facts of the named objects together.

    `version` gives its state, its developers and those of its ancestors; all three give the use case with its owner
    and risk tier. Of several, the version's use case counts.

    Raises:
        NotFoundError: one of them does not exist.
    """
    with house.store.read() as tx:
        facts: dict[str, Any] = {}
        if use_case:
            facts |= case_facts(tx.of(UseCase).get(use_case))
        if endpoint:
            found = tx.of(Endpoint).get(endpoint)
            facts |= {"endpoint": found.id, **case_facts(tx.of(UseCase).get(found.use_case))}
        if version:
            facts |= version_facts(tx, tx.of(ModelVersion).get(version))
    return facts


def case_facts(case: UseCase) -> dict[str, Any]:
    """What is known of a use case."""
    return {"use_case": case.id, "owner": case.owner, "risk_tier": case.risk_tier.value}


def version_facts(tx: Transaction, version: ModelVersion) -> dict[str, Any]:
    """What is known of a version: where it stands, who made it, and its use case."""
    return {
        "version": version.id,
        "state": version.state.value,
        "developers": sorted(makers(tx, version)),
        **case_facts(tx.of(UseCase).get(version.use_case)),
    }


def makers(tx: Transaction, version: ModelVersion) -> set[str]:
    """Who developed a version or one it descends from: nobody of them may judge it."""
    found = set(version.developers)
    for ancestor in forebears(tx, version, MAX_ANCESTORS):
        found.update(ancestor.developers)
    return found


def forebears(tx: Transaction, version: ModelVersion, most: int) -> Iterator[ModelVersion]:
    """The versions a version descends from, nearest first, each once and at most so many."""
    seen: set[str] = set()
    waiting = deque(version.parents)
    while waiting and len(seen) < most:
        name = waiting.popleft()
        if name not in seen:
            seen.add(name)
            parent = tx.of(ModelVersion).get(name)
            waiting.extend(parent.parents)
            yield parent
