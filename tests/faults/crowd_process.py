"""What each of several processes does in `test_many_at_once.py`: open one installation, wait for the others, act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from zlib import crc32

from acts import RULES, SHIPPED, V2
from simulated_offers import table
from small_playbooks import CHEAP
from small_world import CASE, ENDPOINT, V1, World, days

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.gate import Gate
from roadworthy.services.access.tokens import TokenTerms, create_token
from roadworthy.services.catalog.people import deactivate_person
from roadworthy.services.catalog.policies import set_policy
from roadworthy.services.gates.run import start_gate
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.licence.delegations import delegate, revoke_delegation
from roadworthy.services.licence.standing import reinstate, suspend
from roadworthy.services.serve.deploy import roll_back
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.watch.way_back import assign, comment

V3 = "offers:3"
Deed = Callable[[World, str], Any]


def _policy(world: World, who: str, mark: str) -> Any:
    return set_policy(world.house, world.who(who), f"{SHIPPED}\n// {mark}\n", f"{mark}.cedar")


def _delegate(world: World, mark: str) -> Any:
    return delegate(world.house, world.who("victor"), "rita", world.clock.now() + days(30), reason=mark)


def _for_victor(world: World) -> Any:
    return sign_off(world.house, world.who("rita"), V2, approved=True, reason="as he would", in_place_of="victor")


def _revoke(world: World) -> Any:
    return revoke_delegation(world.house, world.who("victor"), "delegation-1", "back")


def _token(world: World, mark: str) -> Any:
    return create_token(world.house, world.who("admin"), TokenTerms("vera", mark), RULES, ACTIONS).token


def _begin(world: World, version: str) -> Any:
    return start_gate(world.house, world.who("dan"), world.order(version, Gate.VALIDATION, CHEAP))


DEEDS: dict[str, Deed] = {
    "vera signs": lambda w, _: w.sign(V2, "vera"),
    "victor signs": lambda w, _: w.sign(V2, "victor"),
    "rita signs for victor": lambda w, _: _for_victor(w),
    "victor revokes": lambda w, _: _revoke(w),
    "deploy 2": lambda w, _: w.deploy(V2, schedule=(0.5, 1.0)),
    "deploy 3": lambda w, _: w.deploy(V3, schedule=(0.5, 1.0)),
    "roll back": lambda w, m: roll_back(w.house, w.who("omar"), ENDPOINT, m),
    "begin a validation": lambda w, _: _begin(w, V2),
    "admin sets a policy": lambda w, m: _policy(w, "admin", m),
    "adele sets a policy": lambda w, m: _policy(w, "adele", m),
    "admin deactivates adele": lambda w, m: deactivate_person(w.house, w.who("admin"), "adele", m),
    "adele deactivates admin": lambda w, m: deactivate_person(w.house, w.who("adele"), "admin", m),
    "add nina": lambda w, _: w.add("nina", "validator"),
    "add somebody": lambda w, m: w.add(m, "validator"),
    "comment": lambda w, m: comment(w.house, w.who("dan"), "work-1", m),
    "assign to dan": lambda w, _: assign(w.house, w.who("omar"), "work-1", "dan"),
    "assign to dora": lambda w, _: assign(w.house, w.who("omar"), "work-1", "dora"),
    "agree a contract": lambda w, m: w.agree(target=0.2 + (crc32(m.encode()) % 1000) / 1e6, why=m),
    "rows to train on": lambda w, _: w.data("train", table(400, 77)),
    "rows to seal": lambda w, _: w.data("sealed", table(400, 77)),
    "register a version": lambda w, _: w.register(),
    "create a token": _token,
    "delegate": _delegate,
    "suspend": lambda w, m: suspend(w.house, w.who("omar"), V1, m),
    "reinstate": lambda w, m: reinstate(w.house, w.who("rita"), V1, m),
    "register an endpoint": lambda w, m: register_endpoint(w.house, w.who("omar"), m, CASE, "letter"),
}


def act(
    root: str, url: str, now: datetime, deeds: list[str], place: int, barrier: Barrier, answers: Queue[Any]
) -> None:
    """Do the deeds one after the other, all processes beginning together; how each went is put into `answers`."""
    with World.on(url, Path(root), InlineEngine()) as world:
        world.clock.advance(now - world.clock.now())
        barrier.wait(120)
        for number, deed in enumerate(deeds):
            try:
                DEEDS[deed](world, f"p{place}-{number}")
            except RoadworthyError as refused:
                answers.put((deed, type(refused).__name__, str(refused)))
            else:
                answers.put((deed, "", ""))
