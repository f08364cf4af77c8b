"""Installations to be copied and damaged, and processes of their own that can be killed."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from installation import Installation, new_url
from small_world import V1


@pytest.fixture(scope="session")
def processes() -> Any:
    """Makes fresh processes quickly: a server that has imported everything, and nothing else, forks them."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["roadworthy.apps.building", "roadworthy.apps.data_plane", "sklearn.ensemble"])
    return made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation in which `offers:1` serves, to be copied."""
    root = tmp_path_factory.mktemp("serving")
    server = None if request.param == "sqlite" else request.getfixturevalue("postgres")
    found = Installation(root, new_url(server), server) if server else Installation(root)
    with found.open() as world:
        world.prepare().register()
        world.activate_fully(V1)
        world.deploy(V1)
    return found
