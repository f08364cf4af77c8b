"""Keeping the decision log: its rules per endpoint, compaction, retention, and erasing a unit for good.

The change record says that somebody was erased, by whom, why, and how much went; of the unit it keeps a keyed digest,
never the id. What was computed from the decisions before (reviews, ledger) holds counts and sums and stays.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from roadworthy.domain.errors import MissingExtraError, SettingError
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.storing.log import Forgotten, LogRules
from roadworthy.domain.trust import Person
from roadworthy.services.facts import facts_of
from roadworthy.services.house import PLATFORM, House, need_reason


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure removed, per endpoint; `unit_digest` finds it in the change record."""

    unit_digest: str
    endpoints: dict[str, Forgotten]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What upkeep did per endpoint: rows compacted into tables, and what was too old.

    `tables` is empty, or says why nothing could be compacted.
    """

    compacted: dict[str, int]
    expired: dict[str, Forgotten]
    tables: str = ""


def log_rules(house: House, endpoint: str) -> LogRules:
    """By which rules an endpoint's decisions are kept. Raises NotFoundError."""
    with house.store.read() as tx:
        tx.of(Endpoint).get(endpoint)
    return house.decisions.rules(endpoint)


def set_log_rules(house: House, actor: Person, endpoint: str, rules: LogRules) -> LogRules:
    """Put rules in force for every decision from now on; retention counts for old ones too.

    Raises:
        NotAllowedError, NotFoundError.
    """
    house.allow(actor, "keep-log", facts_of(house, endpoint=endpoint))
    before = house.decisions.rules(endpoint)
    with house.store.begin() as tx:
        told = [c.facts["now"] for c in tx.changes.read(subject=endpoint) if c.action == "log-rules-set"]
        # A crash may have left rules in force that nobody recorded.
        if before == rules and _told(rules) == (told[-1] if told else _told(LogRules())):
            return rules
        facts = {"before": _told(before), "now": _told(rules)}
        house.record(tx, actor.id, "log-rules-set", endpoint, "", facts)
        # Inside the transaction: rules that cannot be written are not recorded either.
        house.decisions.govern(endpoint, rules)
    return rules


def erase_unit(house: House, actor: Person, unit_id: str, reason: str, endpoint: str = "") -> Erasure:
    """Erase a unit from the log of one endpoint, or of all. Doing it again finishes what a crash left.

    Raises:
        SettingError: no unit or no reason.
        NotAllowedError: the policy lets somebody else erase.
        ConflictError: the log is being compacted or erased from just now.
    """
    house.allow(actor, "erase", facts_of(house, endpoint=endpoint))
    need_reason("a unit is erased", reason)
    if not unit_id:
        raise SettingError("no unit is named", remedy="Name the unit whose decisions are to go.", field="unit_id")
    if unit_id in reason:
        raise SettingError(
            "the reason names the unit, and the change record is never erased",
            remedy="Refer to the request instead, for example by its number.",
            field="reason",
        )
    gone = {name: house.decisions.forget_unit(name, unit_id) for name in _endpoints(house, endpoint)}
    digest = house.decisions.pseudonym(unit_id)
    with house.store.begin() as tx:
        facts = {name: asdict(went) for name, went in gone.items()}
        house.record(tx, actor.id, "unit-erased", f"unit {digest}", reason, {"erased": facts})
    return Erasure(digest, gone)


def keep_up(house: House, actor: Person | None = None, endpoint: str = "") -> Upkeep:
    """Remove what outlived its retention and compact what is sealed, of one endpoint or of all.

    Without the extra `delta` nothing is compacted, and the answer says so. Nobody named: the platform, by the clock.

    Raises:
        NotAllowedError, NotFoundError.
        ConflictError: another process is at it.
    """
    who = actor or house.person(PLATFORM)
    house.allow(who, "keep-log", facts_of(house, endpoint=endpoint))
    compacted: dict[str, int] = {}
    expired: dict[str, Forgotten] = {}
    tables = ""
    for name in _endpoints(house, endpoint):
        days = house.decisions.rules(name).keep_days
        if days:
            before = house.clock.now() - timedelta(days=days)
            old = len(house.decisions.read(name, until=before))
            if old:
                # Before they go: what a crash leaves is then removed by the next upkeep, and nothing goes unrecorded.
                with house.store.begin() as tx:
                    facts = {"before": before.isoformat(), "decisions": old}
                    house.record(tx, who.id, "decisions-expired", name, f"kept for {days} days", facts)
            went = house.decisions.forget_before(name, before)
            if went != Forgotten():
                expired[name] = went
        try:
            compacted[name] = house.decisions.compact(name)
        except MissingExtraError as missing:
            tables = str(missing)
    return Upkeep(compacted, expired, tables)


def _endpoints(house: House, endpoint: str) -> list[str]:
    with house.store.read() as tx:
        return [tx.of(Endpoint).get(endpoint).id] if endpoint else [e.id for e in tx.of(Endpoint).find()]


def _told(rules: LogRules) -> dict[str, object]:
    return {"sync": rules.sync, "keep_days": rules.keep_days, "redact": dict(rules.redact)}
