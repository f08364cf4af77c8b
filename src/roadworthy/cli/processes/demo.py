"""`roadworthy demo`: one model's whole road, in minutes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from roadworthy.apps.story.narrator import Narrator
from roadworthy.apps.story.play import Played, play
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.processes.narration import KeepingNarrator, TerminalNarrator
from roadworthy.cli.processes.places import announced
from roadworthy.cli.processes.stopping import until_stopped

WORKSPACE = Path("demo-workspace")


def demo(
    desk: Desk,
    *,
    data: Annotated[
        Path | None, typer.Option(help="The bank campaign's file; none: $ROADWORTHY_DATA, else a simulated lender.")
    ] = None,
    headless: Annotated[bool, typer.Option(help="End after the story, without staying up for the page.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 = any free one.")] = 0,
) -> None:
    """Play the story in ./demo-workspace (or --workspace), then keep the page up until Ctrl-C."""
    workspace = WORKSPACE if desk.workspace == Path() else desk.workspace
    aloud = TerminalNarrator(desk.err if desk.as_json else desk.out)
    keeping = KeepingNarrator(aloud)
    tell: Narrator = keeping if desk.as_json else aloud
    begun = time.monotonic()
    stay = None if headless or desk.as_json else _stay(desk, workspace)
    played = play(workspace, data, tell, port=port, stay=stay)
    seconds = round(time.monotonic() - begun, 1)
    facts = json.loads(json.dumps(played.facts, default=str))
    document = {
        "workspace": str(workspace),
        "simulated": played.simulated,
        "source": played.source,
        "seconds": seconds,
        "facts": facts,
        "story": keeping.kept,
    }
    desk.answer(document, f"Played in {seconds:g} s. Look around: roadworthy status --workspace {workspace}")


def _stay(desk: Desk, workspace: Path) -> Callable[[Played], None]:
    def stay(played: Played) -> None:
        with until_stopped() as stop, announced(workspace.resolve(), played.url):
            desk.answer(None, f"\nPage  {played.url}/?token={played.token}\nCtrl-C ends the demo.")
            desk.out.file.flush()
            stop.wait()

    return stay


app = command(demo)
