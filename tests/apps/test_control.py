"""A workspace opened as a whole: its token, its two faces behind one port, and what a second opening finds."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from small_world import START

from roadworthy.adapters.clock import SimulatedClock
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.building import open_house
from roadworthy.apps.control import Control, local_token, open_control
from roadworthy.apps.embedded import RUNNING, open_workspace, running_server
from roadworthy.apps.settings import Settings, create_workspace
from roadworthy.domain.errors import NotFoundError, RoadworthyError, SettingError, StorageUnavailableError
from roadworthy.domain.trust import Person


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path / "w")


@pytest.fixture
def control(settings: Settings) -> Iterator[Control]:
    with open_control(settings, SimulatedClock(START), InlineEngine()) as opened:
        yield opened


def test_the_token_is_made_once_and_only_its_owner_can_read_it(settings: Settings) -> None:
    create_workspace(settings.root)
    token = local_token(settings)
    assert len(token) >= 32
    assert local_token(settings) == token
    assert stat.S_IMODE((settings.root / "token").stat().st_mode) == 0o600
    assert [p.name for p in settings.root.iterdir()] == ["token"]


@pytest.mark.parametrize("left", ["", "\n"])
def test_an_empty_token_left_by_a_process_that_died_is_made_anew(settings: Settings, left: str) -> None:
    create_workspace(settings.root)
    (settings.root / "token").write_text(left)
    assert len(local_token(settings)) >= 32


def test_a_folder_in_place_of_the_token_is_told(settings: Settings) -> None:
    (settings.root / "token").mkdir(parents=True)
    with pytest.raises(StorageUnavailableError, match="token"):
        local_token(settings)


def test_one_port_answers_api_and_gateway(control: Control) -> None:
    with BackgroundServer(control.app) as server:
        live = httpx.get(f"{server.url}/v2/health/live")
        people = httpx.get(f"{server.url}/api/v1/people", headers={"Authorization": f"Bearer {control.token}"})
        refused = httpx.get(f"{server.url}/api/v1/people")
        metrics = httpx.get(f"{server.url}/metrics")
    assert (live.status_code, people.status_code, refused.status_code, metrics.status_code) == (200, 200, 401, 200)
    assert [p["id"] for p in people.json()["items"]] == ["admin", "platform"]


def test_opening_a_workspace_twice_one_after_the_other_finds_the_same_people(settings: Settings) -> None:
    keys = []
    for _ in range(2):
        with open_control(settings, engine=InlineEngine()) as opened, opened.house.store.begin() as tx:
            keys.append([(p.id, p.key_id) for p in tx.of(Person).find()])
    assert keys[0] == keys[1]


def test_a_file_in_place_of_the_workspace_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("mine")
    with pytest.raises(StorageUnavailableError, match="cannot be written") as refused:
        open_house(Settings(workspace=tmp_path / "w"))
    assert "--workspace" in refused.value.remedy
    assert (tmp_path / "w").read_text() == "mine"


BAD: dict[str, tuple[dict[str, str], type[RoadworthyError], str]] = {
    "sync": ({"sync": "sometimes"}, SettingError, "always, off"),
    "administrator": ({"administrator": ""}, SettingError, "cannot name a person"),
    "the platform as administrator": ({"administrator": "platform"}, SettingError, "cannot name a person"),
    "a store nobody knows": ({"store_url": "oracle://x"}, RoadworthyError, "oracle"),
    "a store that is no address": ({"store_url": "x"}, SettingError, "is not a URL"),
}


@pytest.mark.parametrize(("given", "error", "says"), BAD.values(), ids=BAD)
def test_a_setting_that_cannot_work_is_told_and_the_workspace_can_be_opened_afterwards(
    tmp_path: Path, given: dict[str, str], error: type[RoadworthyError], says: str
) -> None:
    root = tmp_path / "w"
    with pytest.raises(error, match=says):
        open_house(Settings(workspace=root, **given), engine=InlineEngine())
    with open_control(Settings(workspace=root), engine=InlineEngine()) as opened:
        assert opened.house.person("admin").id == "admin"


def test_another_administrator_than_the_founded_one_is_not_found(settings: Settings) -> None:
    with open_control(settings, engine=InlineEngine()):
        pass
    with pytest.raises(NotFoundError, match="other"):
        open_house(Settings(workspace=settings.root, administrator="other"), engine=InlineEngine())


def test_scripts_join_the_server_that_runs_on_a_workspace(control: Control) -> None:
    root = control.settings.root
    with BackgroundServer(control.app) as server:
        (root / RUNNING).write_text(f'{{"url": "{server.url}", "pid": 1}}')
        with open_workspace(root) as road:
            assert road.url == server.url
            assert [p.id for p in road.people()] == ["platform", "admin"]


STALE = {
    "no URL": '{"url": "http://[x"}',
    "nobody listens": '{"url": "http://127.0.0.1:9"}',
    "no JSON": "{",
    "no address": "{}",
    "a list": "[]",
}


@pytest.mark.parametrize("text", STALE.values(), ids=STALE)
def test_what_a_dead_server_left_behind_is_not_believed(tmp_path: Path, text: str) -> None:
    (tmp_path / RUNNING).write_text(text)
    assert running_server(tmp_path) is None
