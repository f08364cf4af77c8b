"""What a server does again and again for those beside it: all of it when something happened, nothing else otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_world import ENDPOINT, V1, World, at

from roadworthy.apps.building import CatchUp
from roadworthy.domain import faults
from roadworthy.evidence.trust import TRUST


class DiedError(Exception):
    """The process that committed is no more."""


def die() -> None:
    raise DiedError


@pytest.fixture
def world() -> World:
    return at("serving")


@pytest.fixture
def made() -> Iterator[list[str]]:
    """Every time the trust root was made, which goes before all documents."""
    found: list[str] = []
    faults.arm("trust.before-publish", lambda: found.append("made"))
    yield found
    faults.disarm_all()


def test_nothing_is_made_again_while_nothing_is_recorded(world: World, made: list[str]) -> None:
    catch_up = CatchUp(world.house)
    for _ in range(3):
        catch_up()
    assert len(made) == 1
    world.add("nina", "validator")
    made.clear()
    catch_up()
    catch_up()
    assert len(made) == 1


def test_what_was_committed_and_not_published_is_published() -> None:
    world = at("activated")
    catch_up = CatchUp(world.house)
    catch_up()
    faults.arm("deploy.before-publish", die)
    with pytest.raises(DiedError):
        world.deploy(V1)
    faults.disarm_all()
    assert world.house.served.read(ENDPOINT) is None
    catch_up()
    assert world.house.served.read(ENDPOINT) is not None


def test_a_document_that_was_lost_is_published_again(world: World) -> None:
    catch_up = CatchUp(world.house)
    catch_up()
    document, trust = world.house.served.read(ENDPOINT), world.house.trust.read(TRUST)
    world.house.served._documents.clear()
    world.house.trust._documents.clear()
    catch_up()
    assert (world.house.served.read(ENDPOINT), world.house.trust.read(TRUST)) == (document, trust)


def test_what_could_not_be_published_is_tried_again(world: World) -> None:
    catch_up = CatchUp(world.house)
    faults.arm("trust.before-publish", die)
    with pytest.raises(DiedError):
        catch_up()
    faults.disarm_all()
    world.house.served._documents.clear()
    catch_up()
    assert world.house.served.read(ENDPOINT) is not None
