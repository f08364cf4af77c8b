"""Every commit of every service, killed before and after: all of it is there or nothing, and it can be gone on from."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "worlds"), str(TESTS / "faults")]

from acts import ACTS, POINTS, Act, assert_settled  # noqa: E402 - the line above says where from
from small_world import World, at  # noqa: E402

import roadworthy.services  # noqa: E402
from roadworthy.adapters.access.cedar import CedarPolicy  # noqa: E402
from roadworthy.adapters.engines.inline import InlineEngine  # noqa: E402
from roadworthy.domain import faults  # noqa: E402
from roadworthy.services.access.keys import settle_keys  # noqa: E402
from roadworthy.services.catalog.policies import take_up_policy  # noqa: E402
from roadworthy.services.serve.publish import publish_all  # noqa: E402

SERVICES = Path(roadworthy.services.__file__).parent
AT_START = {"services/catalog/people.py:found"}
"""What only the start of an installation commits: `test_every_commit_killed.py` kills that."""


class KilledError(BaseException):
    """The process ends here, as far as a test in one process can have it."""


def commits() -> set[str]:
    """Every function of a service in which a transaction is begun, as `services/folder/file.py:function`."""
    found: set[str] = set()
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(map(_begins, ast.walk(node))):
                found.add(f"{path.relative_to(SERVICES.parent)}:{node.name}")
    return found


def _begins(node: ast.AST) -> bool:
    call = node.func if isinstance(node, ast.Call) else None
    return isinstance(call, ast.Attribute) and call.attr == "begin" and "store" in ast.unparse(call.value)


def watch(store: Any, seen: set[str]) -> None:
    """From now on `seen` gets the function by which each transaction of a store is begun."""
    begin = store.begin

    def watched() -> Any:
        code = sys._getframe(1).f_code
        seen.add(f"{code.co_filename.removeprefix(f'{SERVICES.parent}/')}:{code.co_name}")
        return begin()

    store.begin = watched


def fresh() -> World:
    """A world in which `offers:1` serves, with a policy of its own."""
    world = at("serving")
    return replace(world, house=replace(world.house, policy=CedarPolicy()))


def restarted(world: World) -> World:
    """The same installation in a process that has just started."""
    engine, policy = InlineEngine(), CedarPolicy()
    again = replace(world, house=replace(world.house, engine=engine, policy=policy))
    again.open()
    take_up_policy(again.house)
    settle_keys(again.house)
    publish_all(again.house)
    return again


def die(point: str, nth: int) -> None:
    """At the `nth` time `point` is reached nothing more happens."""
    reached = Counter[str]()

    def reach() -> None:
        reached[point] += 1
        if reached[point] == nth:
            raise KilledError(point)

    faults.arm(point, reach)


def killed(world: World, act: Act, point: str, nth: int) -> bool:
    """Whether the act was killed there; otherwise it came to its end."""
    die(point, nth)
    try:
        act.do(world)
    except KilledError:
        return True
    finally:
        faults.disarm_all()
    return False


def test_every_commit_of_a_service_is_reached_by_an_act() -> None:
    """Whoever adds a transaction to a service adds an act to `acts.py`: then it is killed there, too."""
    seen: set[str] = set()
    for act in ACTS.values():
        world = fresh()
        act.prepare(world)
        watch(world.house.store, seen)
        act.do(world)
    missing = commits() - seen - AT_START
    assert not missing, f"no act of tests/faults/acts.py reaches the transaction begun in {sorted(missing)}"
    assert commits() >= AT_START


@pytest.mark.parametrize("name", ACTS)
def test_an_act_killed_at_any_boundary_is_done_once_after_a_restart_or_can_be_done_again(name: str) -> None:
    act = ACTS[name]
    prepared = fresh()
    act.prepare(prepared)
    tried = 0
    for point in POINTS:
        nth = 1
        while killed(world := prepared.fork(), act, point, nth):
            _assert_once(restarted(world), prepared, act)
            nth += 1
            assert nth < 50
        tried += nth - 1
    assert tried >= 2, "no commit boundary was reached"


def _assert_once(world: World, before: World, act: Act) -> None:
    assert_settled(world)
    had = before.actions().count(act.told)
    if not act.told or world.actions().count(act.told) == had:
        act.do(world)
    if act.told:
        assert world.actions().count(act.told) == had + 1
    assert_settled(world)
