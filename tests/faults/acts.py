"""Everything a service commits, as acts: what somebody does, in a world where `offers:1` serves, and how one sees that.

One line of `ACTS` per act; `test_every_commit.py` kills it at every commit boundary it passes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulated_offers import artifact, parquet, table
from small_playbooks import CHEAP
from small_world import CASE, ENDPOINT, V1, World, days

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy
from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Identity
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Deployment, Strategy
from roadworthy.domain.storing.log import LogRules
from roadworthy.domain.trust import Conditions, Delegation, Person
from roadworthy.evidence.served import decode_served
from roadworthy.evidence.trust import TRUST, decode_trust
from roadworthy.rollout import moves
from roadworthy.rollout.canary import CanaryRule
from roadworthy.services.access.keys import revoke_key, rotate_key
from roadworthy.services.access.logins import follow_groups, link_login, person_of
from roadworthy.services.access.reactivation import reactivate_person
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.sessions import end_session, end_sessions, open_session, session_of
from roadworthy.services.access.tokens import TokenTerms, create_token, holder_of, revoke_token, tokens
from roadworthy.services.agents.registry import register_agent, retire_agent
from roadworthy.services.agents.reports import Life, take_report
from roadworthy.services.agents.silence import look_for_silence
from roadworthy.services.ahead import signed_ahead
from roadworthy.services.catalog.people import add_person, deactivate_person
from roadworthy.services.catalog.policies import set_policy
from roadworthy.services.catalog.splits import SplitTerms, split_at_creation
from roadworthy.services.dossier.issue import issue_dossier
from roadworthy.services.gates.interventions import cancel_gate
from roadworthy.services.gates.run import WORK, start_gate
from roadworthy.services.gates.sign_off import renew, sign_off
from roadworthy.services.house import House
from roadworthy.services.licence.delegations import delegate, revoke_delegation
from roadworthy.services.licence.expiry import expire
from roadworthy.services.licence.standing import reinstate, retire, suspend
from roadworthy.services.serve.by_hand import pause_rollout, promote_by_hand, resume_rollout
from roadworthy.services.serve.deploy import put_in_force, roll_back
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.serve.keeping import erase_unit, keep_up, set_log_rules
from roadworthy.services.serve.publish import publish_all
from roadworthy.services.serve.rollout import step_rollout
from roadworthy.services.watch.verify import checkpoint, verify_changes
from roadworthy.services.watch.way_back import assign, comment, link_successor, re_enter
from roadworthy.services.watch.work_items import open_item

V2 = "offers:2"
RULES = AccessRules(oidc_by_email=True)
SHIPPED = CedarPolicy().text
LATER = days(3000)
"""Later than any approval holds."""

POINTS = ("store.before-commit", "store.after-commit", "deploy.before-publish", "trust.before-publish")
"""The commit boundaries an act may pass."""


def nothing(_: World) -> None:
    """No preparation."""


@dataclass(frozen=True)
class Act:
    """What is done, what has to be there first, and the action of the change record that says it was done.

    `told` is empty for what leaves no link; it may be done twice.
    """

    do: Callable[[World], Any]
    told: str = ""
    prepare: Callable[[World], Any] = nothing


def _newer(world: World, function: str = "logistic") -> str:
    return world.register(artifact(function, seed=1), parents=(V1,)).id


def _activated(world: World) -> None:
    world.activate_fully(_newer(world))
    world.clock.advance(days(1))


def _challenged(world: World) -> None:
    _activated(world)
    world.deploy(V2, schedule=(0.5, 1.0))


def _side_by_side(world: World) -> None:
    _activated(world)
    world.deploy(V2, strategy=Strategy.AB_SPLIT)


def _paused(world: World) -> None:
    _challenged(world)
    _pause(world.house)


@signed_ahead
def _pause(house: House) -> None:
    with house.store.begin() as tx:
        now = tx.of(Deployment).find(newest_first=True, limit=1)[0]
        put_in_force(house, tx, now, moves.pause(now, house.clock.now(), "a look"), "platform", "a look")


def _agent(world: World) -> None:
    register_agent(world.house, world.who("omar"), "edge", ENDPOINT, V1, 60.0)


def _silent(world: World) -> None:
    _agent(world)
    world.clock.advance(days(1))


def _waiting(world: World) -> None:
    world.validate(_newer(world))


def _candidate(world: World) -> None:
    _waiting(world)
    world.sign(V2)
    world.gate(V2, Gate.RELEASE)


def _returned(world: World) -> None:
    world.force_state(_newer(world), State.RETURNED)


def _defect(world: World) -> None:
    with world.house.store.begin() as tx:
        version = tx.of(ModelVersion).get(V1)
        open_item(world.house, tx, version, DefectKind.UNFAIR, "V5 group-fairness", "unfair", "validation")
    _newer(world)


def _late(world: World) -> None:
    world.clock.advance(LATER)


def _suspended(world: World) -> None:
    suspend(world.house, world.who("omar"), V1, "a look")


def _delegated(world: World) -> None:
    delegate(world.house, world.who("victor"), "rita", world.clock.now() + days(30), reason="on leave")


def _traffic(world: World) -> None:
    happened = world.live(60, 11, "m")
    world.clock.advance(days(9))
    world.report(happened)


def _outlived(world: World) -> None:
    _traffic(world)
    set_log_rules(world.house, world.who("admin"), ENDPOINT, LogRules(keep_days=30))
    world.clock.advance(days(31))


def _sign(world: World, **about: Any) -> None:
    given = {"approved": True, "reason": "holds", "conditions": Conditions(only={"channel": ("web",)})}
    sign_off(world.house, world.who("vera"), V2, **{**given, **about})


def _refused(act: Callable[[], Any]) -> None:
    """An act that is refused, and whose attempt is recorded."""
    with suppress(RoadworthyError):
        act()


def _carried_out(world: World) -> None:
    run = world.all(GateRun, version=V2)[0].id
    world.house.engine.run(WORK, run, {"run": run})


def _begin(world: World) -> None:
    start_gate(world.house, world.who("dan"), world.order(V2, Gate.VALIDATION, CHEAP))


def _begun(world: World) -> None:
    _newer(world)
    _begin(world)


def _cancelled(world: World) -> None:
    cancel_gate(world.house, world.who("dan"), world.all(GateRun, version=V2)[0].id, "the wrong playbook")


def _split(world: World) -> None:
    rows = parquet(table(400, 9))
    split_at_creation(world.house, world.who("dan"), "letters", rows, "all.parquet", SplitTerms(0.3))


def _rotated(world: World) -> None:
    rotate_key(world.house, world.who("admin"), "vera", "as planned")


def _revoked(world: World) -> None:
    old = world.who("vera").former[0].key_id
    revoke_key(world.house, world.who("admin"), "vera", old, world.clock.now(), "its laptop was stolen")


def _token(world: World) -> str:
    admin, terms = world.who("admin"), TokenTerms("vera", "a test")
    return create_token(world.house, admin, terms, RULES, ACTIONS).secret


def _revoke(world: World) -> None:
    admin = world.who("admin")
    revoke_token(world.house, admin, tokens(world.house, admin)[0].id)


def _sealed_again(world: World) -> None:
    world.data("train", table(700, 2))


def _mailed(world: World) -> None:
    add_person(world.house, world.who("admin"), "mia@example.org", ["validator"])


def _by_mail(world: World) -> str:
    return person_of(
        world.house, Identity("https://id.example", "s-1", "mia@example.org", email_verified=True), RULES
    )


def _with_groups(world: World) -> None:
    identity = Identity("https://id.example", "s-1", groups=("checkers",))
    follow_groups(world.house, "dora", identity, AccessRules(oidc_roles="checkers=validator"))


def _session(world: World) -> str:
    return open_session(world.house, "vera", "local-token", RULES).value


def _touched(world: World) -> None:
    cookie = _session(world)
    world.clock.advance(timedelta(minutes=5))
    session_of(world.house, cookie, RULES)


def _used(world: World) -> None:
    holder_of(world.house, _token(world))


ACTS: dict[str, Act] = {
    "add a person": Act(lambda w: w.add("nina", "validator"), "person-added"),
    "rotate a key": Act(_rotated, "key-rotated"),
    "rotate the platform's key": Act(
        lambda w: rotate_key(w.house, w.who("admin"), "platform", "as planned"), "key-rotated"
    ),
    "revoke a key": Act(_revoked, "key-revoked", _rotated),
    "deactivate a person": Act(
        lambda w: deactivate_person(w.house, w.who("admin"), "victor", "left"), "person-deactivated"
    ),
    "reactivate a person": Act(
        lambda w: reactivate_person(w.house, w.who("admin"), "victor", "back"),
        "person-reactivated",
        lambda w: deactivate_person(w.house, w.who("admin"), "victor", "left"),
    ),
    "register a use case": Act(lambda w: w.use_case(id="letters"), "use-case-registered"),
    "register data": Act(lambda w: w.data("train", table(300, 9)), "dataset-registered"),
    "sealed data in another role": Act(lambda w: _refused(lambda: _sealed_again(w)), "sealed-look-refused"),
    "agree a contract": Act(lambda w: w.agree(target=0.3), "kpi-contract-agreed"),
    "a contract somebody else agrees": Act(
        lambda w: _refused(lambda: w.agree(target=0.3, why=" ")), "kpi-contract-refused"
    ),
    "register a version": Act(_newer, "version-registered"),
    "register an endpoint": Act(
        lambda w: register_endpoint(w.house, w.who("omar"), "calls", CASE, "letter"), "endpoint-registered"
    ),
    "set a policy": Act(lambda w: set_policy(w.house, w.who("admin"), SHIPPED, "ours.cedar", "why"), "policy-set"),
    "link a login": Act(
        lambda w: link_login(w.house, w.who("admin"), "vera", "https://id.example", "s-2"), "login-linked"
    ),
    "log in by a verified address": Act(_by_mail, "login-linked", _mailed),
    "log in with groups": Act(_with_groups, "roles-followed-groups"),
    "create a token": Act(_token, "token-created"),
    "revoke a token": Act(_revoke, "token-revoked", _token),
    "use a token": Act(_used, "token-created"),
    "open a session": Act(_session),
    "use a session": Act(_touched),
    "end a session": Act(lambda w: end_session(w.house, _session(w))),
    "end all sessions": Act(lambda w: end_sessions(w.house, "vera"), prepare=_session),
    "split the first data": Act(_split, "data-split", lambda w: w.use_case(id="letters")),
    "start a gate": Act(_begin, "validation-started", _newer),
    "carry out a gate": Act(_carried_out, "validation-concluded", _begun),
    "cancel a gate": Act(_cancelled, "validation-cancelled", _begun),
    "sign off": Act(_sign, "signed-off", _waiting),
    "reject": Act(lambda w: _sign(w, approved=False, conditions=Conditions()), "rejected", _waiting),
    "a developer signs": Act(lambda w: _refused(lambda: w.sign(V2, "dan")), "sign-off-refused", _waiting),
    "renew": Act(
        lambda w: renew(w.house, w.who("vera"), V1, approved=True, reason="read the reviews"), "approval-renewed"
    ),
    "delegate": Act(_delegated, "delegated"),
    "revoke a delegation": Act(
        lambda w: revoke_delegation(w.house, w.who("victor"), w.all(Delegation)[0].id, "back"),
        "delegation-revoked",
        _delegated,
    ),
    "accept a hand-off": Act(lambda w: w.accept(V2), "hand-off-accepted", _candidate),
    "deploy": Act(lambda w: w.deploy(V2, schedule=(0.5, 1.0)), "deployment-progressing", _activated),
    "roll back": Act(
        lambda w: roll_back(w.house, w.who("omar"), ENDPOINT, "a drill"), "deployment-rolled-back", _challenged
    ),
    "look at a rollout": Act(lambda w: step_rollout(w.house, ENDPOINT, CanaryRule()), prepare=_challenged),
    "resume a rollout": Act(
        lambda w: resume_rollout(w.house, w.who("omar"), ENDPOINT, "looked"), "deployment-progressing", _paused
    ),
    "deploy a split": Act(lambda w: w.deploy(V2, strategy=Strategy.AB_SPLIT), "deployment-progressing", _activated),
    "promote by hand": Act(
        lambda w: promote_by_hand(w.house, w.who("omar"), ENDPOINT, "better"), "deployment-stable", _side_by_side
    ),
    "pause a rollout": Act(
        lambda w: pause_rollout(w.house, w.who("omar"), ENDPOINT, "a holiday"), "deployment-paused", _side_by_side
    ),
    "suspend": Act(_suspended, "suspended"),
    "reinstate": Act(lambda w: reinstate(w.house, w.who("rita"), V1, "looked"), "reinstated", _suspended),
    "retire": Act(lambda w: retire(w.house, w.who("omar"), V2, "not needed"), "retired", _newer),
    "expire": Act(lambda w: expire(w.house), "suspended", _late),
    "review": Act(lambda w: w.review(), "reviewed", _traffic),
    "assign a work item": Act(
        lambda w: assign(w.house, w.who("omar"), "work-1", "dan"), "work-item-assigned", _defect
    ),
    "comment on a work item": Act(
        lambda w: comment(w.house, w.who("dan"), "work-1", "seen"), "work-item-commented", _defect
    ),
    "link a successor": Act(
        lambda w: link_successor(w.house, w.who("dan"), "work-1", V2), "work-item-linked", _defect
    ),
    "re-enter": Act(lambda w: re_enter(w.house, w.who("dan"), V2, "mended"), "re-entered", _returned),
    "publish what is not": Act(
        lambda w: publish_all(w.house), prepare=lambda w: w.house.served._documents.pop(ENDPOINT)
    ),
    "sign a checkpoint": Act(
        lambda w: checkpoint(w.house, "to be kept elsewhere"), prepare=lambda w: w.add("nina", "validator")
    ),
    "register an agent": Act(_agent, "agent-registered"),
    "report for an agent": Act(lambda w: take_report(w.house, w.who("omar"), "edge", (), Life()), prepare=_agent),
    "find an agent silent": Act(lambda w: look_for_silence(w.house), "work-item-opened", _silent),
    "retire an agent": Act(
        lambda w: retire_agent(w.house, w.who("omar"), "edge", "closed"), "agent-retired", _agent
    ),
    "rule how a log is kept": Act(
        lambda w: set_log_rules(w.house, w.who("admin"), ENDPOINT, LogRules(keep_days=30)), "log-rules-set"
    ),
    "erase a unit": Act(
        lambda w: erase_unit(w.house, w.who("admin"), "unit-0", "request 17", ENDPOINT), "unit-erased", _traffic
    ),
    "let decisions expire": Act(
        lambda w: keep_up(w.house, w.who("admin"), ENDPOINT), "decisions-expired", _outlived
    ),
    "issue a dossier": Act(lambda w: issue_dossier(w.house, w.who("ada"), V1, ["index"]), "dossier-issued"),
}


def assert_settled(world: World) -> None:
    """The record is unbroken, and what gateways read is what the store says."""
    assert verify_changes(world.house) == len(world.changes())
    deployments = world.all(Deployment, endpoint=ENDPOINT)
    served = world.house.served.read(ENDPOINT)
    assert (served and decode_served(served).deployment) == (deployments[-1] if deployments else None)
    trust = world.house.trust.read(TRUST)
    assert trust is not None
    assert decode_trust(trust).people == tuple(world.all(Person))
