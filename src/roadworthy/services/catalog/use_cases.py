"""Registering a use case: the business objective that models compete to serve."""

from __future__ import annotations

import re

from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.services.facts import case_facts
from roadworthy.services.house import House

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
MAX_DELAY_DAYS = 3650
"""Longest wait for an outcome: ten years."""


def check_name(name: str, what: str) -> None:
    """Refuse a name that would not survive in a URL."""
    if not NAME.fullmatch(name):
        raise SettingError(
            f"'{name}' cannot name a {what}",
            remedy="Use 2 to 63 lower-case letters, digits and '-', beginning with a letter or digit.",
            name=name,
        )


def register_use_case(house: House, actor: Person, use_case: UseCase) -> UseCase:
    """Record a new use case."""
    house.allow(actor, "register-use-case", case_facts(use_case))
    check_name(use_case.id, "use case")
    if not use_case.target:
        raise SettingError(
            f"use case '{use_case.id}' names no target column",
            remedy="Set `target` to the outcome column.",
            field="target",
        )
    if not 0 <= use_case.label_delay_days <= MAX_DELAY_DAYS:
        raise SettingError(
            f"use case '{use_case.id}': label_delay_days is {use_case.label_delay_days:g}",
            remedy=f"Allowed: 0 to {MAX_DELAY_DAYS} days.",
            field="label_delay_days",
        )
    with house.store.begin() as tx:
        tx.of(Person).get(use_case.owner)
        tx.of(UseCase).add(use_case)
        house.record(tx, actor.id, "use-case-registered", use_case.id, use_case.objective)
    return use_case
