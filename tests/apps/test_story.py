"""The story's last act, by itself: the dossier of the version that serves."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

import httpx
from small_world import V1, at

from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.story import acts
from roadworthy.sdk import Road
from roadworthy.web.api.app import build_api

TOKEN = "the-local-token"


def test_the_story_ends_with_the_dossier_of_what_serves_in_its_workspace(tmp_path: Path) -> None:
    world, said = at("serving"), list[str]()
    tell = SimpleNamespace(say=lambda text, *_: said.append(text))
    api = build_api(world.house, TOKEN, "admin")
    with BackgroundServer(api) as server, httpx.Client(base_url=server.url) as client:
        stage: Any = SimpleNamespace(road=Road(client, TOKEN), tell=tell, facts={})
        acts.dossier(stage, world.version(V1), tmp_path)
    assert stage.facts["dossier"] == []
    assert said == [f"the dossier of {V1}: {tmp_path / 'dossier.html'}; its record holds"]
    assert V1 in (tmp_path / "dossier.html").read_text()
    assert world.actions()[-1] == "dossier-issued"
