"""Use cases: what a model is for, and who owns it."""

from __future__ import annotations

from typing import Any

import pytest
from small_world import CASE, World, at

from roadworthy.domain.errors import (
    AlreadyExistsError,
    DataError,
    NotAllowedError,
    NotFoundError,
    SettingError,
)
from roadworthy.domain.use_case import UseCase
from roadworthy.services.catalog.use_cases import register_use_case


@pytest.fixture
def world() -> World:
    made = World.in_memory()
    made.cast()
    return made


def test_a_use_case_is_recorded_with_its_objective(world: World) -> None:
    case = world.use_case()
    assert world.all(UseCase, owner="olga") == [case]
    assert (world.changes()[-1].actor, world.changes()[-1].subject) == ("olga", CASE)
    assert world.changes()[-1].why == case.objective


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no target": ({"target": ""}, SettingError, "names no target column"),
    "negative delay": ({"label_delay_days": -1.0}, SettingError, "Allowed: 0 to 3650 days"),
    "delay is not a number": ({"label_delay_days": float("nan")}, SettingError, "label_delay_days is nan"),
    "endless delay": ({"label_delay_days": float("inf")}, SettingError, "label_delay_days is inf"),
    "name with a slash": ({"id": "a/b"}, SettingError, "cannot name a use case"),
    "name in capitals": ({"id": "Offers"}, SettingError, "lower-case"),
    "name too short": ({"id": "x"}, SettingError, "2 to 63"),
    "name too long": ({"id": "x" * 64}, SettingError, "2 to 63"),
    "owner is nobody": ({"owner": "nobody"}, NotFoundError, "no person 'nobody'"),
    "objective is no text": ({"objective": 3}, DataError, "objective"),
}


@pytest.mark.parametrize(("given", "error", "says"), BAD.values(), ids=BAD)
def test_a_use_case_that_cannot_work_is_refused_and_leaves_nothing(
    world: World, given: dict[str, Any], error: type[Exception], says: str
) -> None:
    before = world.changes()
    with pytest.raises(error, match=says):
        world.use_case(**given)
    assert (world.all(UseCase), world.changes()) == ([], before)


def test_the_same_name_is_not_taken_twice() -> None:
    world = at("prepared")
    with pytest.raises(AlreadyExistsError, match="use case 'offers' exists already"):
        world.use_case()


@pytest.mark.parametrize("who", ["vera", "rita", "omar", "ada"])
def test_some_roles_register_no_use_case(who: str) -> None:
    world = at("prepared")
    case = world.all(UseCase)[0]
    with pytest.raises(NotAllowedError, match="may not register-use-case"):
        register_use_case(world.house, world.who(who), case)
