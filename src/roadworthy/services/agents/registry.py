"""Which agent reports which version's decisions, on which endpoint; and when one is taken out of service."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import ConflictError, SettingError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.serving import Agent, Endpoint
from roadworthy.domain.trust import Person
from roadworthy.services.catalog.use_cases import check_name
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House, need_reason

SHORTEST_S, LONGEST_S = 1.0, 86_400.0
"""Between these an agent is to be heard of."""


def register_agent(house: House, actor: Person, name: str, endpoint: str, version: str, every_s: float) -> Agent:
    """Record that `name` will report what `version` decides on `endpoint`, at least every `every_s` seconds.

    Raises:
        NotFoundError: no such endpoint or version.
        ConflictError: the version belongs to another use case than the endpoint.
        AlreadyExistsError: there is an agent of this name.
        SettingError: a name that is none, or a time out of range.
    """
    house.allow(actor, "register-agent", facts_of(house, endpoint=endpoint, version=version))
    check_name(name, "agent")
    if not SHORTEST_S <= every_s <= LONGEST_S:
        raise SettingError(
            f"an agent is to be heard of every {every_s:g} s",
            remedy=f"Allowed: {SHORTEST_S:g} to {LONGEST_S:g}.",
            field="every_s",
        )
    with house.store.begin() as tx:
        case, found = tx.of(Endpoint).get(endpoint).use_case, tx.of(ModelVersion).get(version)
        if found.use_case != case:
            raise ConflictError(
                f"{version} is of the use case '{found.use_case}', the endpoint '{endpoint}' of '{case}'",
                remedy="Name a version of the endpoint's use case.",
                field="version",
            )
        agent = Agent(name, endpoint, version, float(every_s), house.clock.now(), actor.id)
        tx.of(Agent).add(agent)
        house.record(tx, actor.id, "agent-registered", name, facts={"endpoint": endpoint, "version": version})
    return agent


def retire_agent(house: House, actor: Person, name: str, reason: str) -> Agent:
    """Take an agent out of service: its silence is no finding any more, and it reports nothing.

    Raises:
        NotFoundError: no such agent.
        ConflictError: it is retired already.
    """
    with house.store.read() as tx:
        before = tx.of(Agent).get(name)
    house.allow(actor, "register-agent", facts_of(house, endpoint=before.endpoint, version=before.version))
    need_reason(f"the agent '{name}' is retired", reason)
    with house.store.begin() as tx:
        before = tx.of(Agent).get(name)
        if before.ended_at is not None:
            raise ConflictError(f"the agent '{name}' is retired already", remedy="Register another.", agent=name)
        after = replace(before, ended_at=house.clock.now(), reason=reason)
        tx.of(Agent).replace(before, after)
        house.record(tx, actor.id, "agent-retired", name, reason)
    return after


def agents(house: House, endpoint: str = "") -> list[Agent]:
    """All agents, or one endpoint's, oldest first."""
    with house.store.read() as tx:
        return list(tx.of(Agent).find(endpoint=endpoint) if endpoint else tx.of(Agent).find())
