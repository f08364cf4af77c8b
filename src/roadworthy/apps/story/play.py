"""Plays the whole story in one workspace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from roadworthy.adapters.clock import SimulatedClock
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.full import open_full
from roadworthy.apps.settings import FILE, Settings, create_workspace
from roadworthy.apps.story import acts
from roadworthy.apps.story.cast import ENDPOINT, Stage
from roadworthy.apps.story.history import load_history
from roadworthy.apps.story.narrator import Narrator
from roadworthy.domain.errors import AlreadyExistsError
from roadworthy.sdk import Road
from roadworthy.sdk.transport import TIMEOUT_S

START = datetime(2008, 10, 31, 12, tzinfo=UTC)
"""When the story begins."""

MARK = ".roadworthy-demo"
"""Says that a folder holds nothing but an earlier demo, and may be cleared."""


@dataclass(frozen=True)
class Played:
    """What the story left behind."""

    facts: dict[str, Any]
    simulated: bool
    source: str
    url: str
    token: str


def play(
    workspace: Path,
    data: Path | None,
    tell: Narrator,
    *,
    port: int = 0,
    stay: Callable[[Played], None] | None = None,
) -> Played:
    """Play everything; then `stay` is called while the page still answers.

    Raises:
        AlreadyExistsError: the workspace holds something else than an earlier demo.
        DataError: `data` was named and cannot be used.
    """
    history = load_history(data)
    clear(workspace)
    clock = SimulatedClock(START)
    settings = Settings(workspace=workspace, port=port)
    with (
        open_full(settings, clock) as control,
        BackgroundServer(control.app, settings.host, port) as server,
        httpx.Client(base_url=server.url, timeout=TIMEOUT_S) as client,
    ):

        def settle() -> None:
            control.gateway.resolve(ENDPOINT)
            control.gateway.resolver.settle()

        stage = Stage(Road(client, control.token), clock, history, tell, settle)
        kind = "SIMULATED lender (no data file at hand)" if history.simulated else "real calls"
        tell.say(f"data: {history.frame.n_rows:,} {kind}, {history.source}")
        acts.agree(stage)
        first = acts.first_version(stage)
        replay = acts.go_live(stage, first)
        second = acts.second_version(stage, first, replay)
        acts.broken_version(stage, second, replay)
        acts.rest_of_the_road(stage, replay)
        verified = stage.road.verify_changes()
        tell.say(f"the change record holds: {verified} links verified", "good")
        acts.dossier(stage, second, workspace)
        played = Played(stage.facts, history.simulated, history.source, server.url, control.token)
        if stay is not None:
            stay(played)
    return played


def clear(workspace: Path) -> None:
    """An empty workspace for the demo.

    Raises:
        AlreadyExistsError: the folder holds something that no demo wrote.
    """
    if workspace.exists() and any(workspace.iterdir()):
        if not (workspace / MARK).exists():
            raise AlreadyExistsError(
                f"'{workspace}' is not empty and holds no earlier demo",
                remedy="Name another folder with --workspace; nothing was touched.",
            )
        shutil.rmtree(workspace)
    create_workspace(workspace)
    (workspace / MARK).write_text("This folder belongs to `roadworthy demo`; it is cleared at the next one.\n")
    (workspace / FILE).write_text("# Written by `roadworthy demo`; every setting has its default.\n")
