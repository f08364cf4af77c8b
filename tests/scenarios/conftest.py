"""The bank story, played once per data source and asked many questions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from roadworthy.apps.story.narrator import Silent
from roadworthy.apps.story.play import Played, play
from roadworthy.sdk import connect


@dataclass(frozen=True)
class Told:
    """A played story: what was said, its facts, and what the API answered while it still ran."""

    played: Played
    said: list[str]
    status: dict[str, Any]
    work: list[Any]
    changes: list[Any]
    deployments: list[dict[str, Any]]
    bundle: dict[str, Any]
    trace: list[dict[str, Any]]
    workspace: Path

    def run(self, version: str, gate: str) -> Any:
        """The newest run of a gate of one of the story's versions, as the API tells it."""
        return self.facts[f"{version}-{gate}"]

    @property
    def facts(self) -> dict[str, Any]:
        """What the acts noted."""
        return self.played.facts


def tell(workspace: Path, data: Path | None) -> Told:
    """Play the story and ask everything before the page goes."""
    narrator = Silent()
    asked: dict[str, Any] = {}

    def stay(played: Played) -> None:
        with connect(played.url, played.token, "ada") as road:
            asked["status"] = road.status()
            asked["work"] = road.work_items()
            asked["changes"] = road.changes(limit=10_000)
            asked["deployments"] = road.deployments("campaign")
            asked["bundle"] = road.bundle(played.facts["v2"])
            asked["trace"] = road.trace(f"call-{played.facts['a call']}")
            for name in ("draft", "v1", "v2", "v3"):
                for run in road.runs(played.facts[name]):
                    played.facts[f"{name}-{run.gate.value}"] = run

    played = play(workspace, data, narrator, stay=stay)
    return Told(played=played, said=narrator.said, workspace=workspace, **asked)


@pytest.fixture(scope="session")
def real_story(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("real") / "ws", data_dir / "bank_additional.parquet")


@pytest.fixture(scope="session")
def simulated_story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ROADWORTHY_DATA", raising=False)
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        return tell(tmp_path_factory.mktemp("simulated") / "ws", None)
