"""Two processes serve one workspace on one database: what is decided through one holds at once in the other."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

import server_process
from small_world import World

from roadworthy.adapters.access.cedar import CedarPolicy
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.services.watch.verify import verify_changes

SHIPPED = CedarPolicy()
NO_RELEASE = SHIPPED.text.replace('Action::"release",', "", 1)


@dataclass
class Server:
    """One of the processes: where it answers, and the workspace's token."""

    url: str
    token: str = field(repr=False)

    def ask(self, method: str, path: str, actor: str = "admin", token: str = "", **body: Any) -> httpx.Response:
        """One request, as somebody."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if not token:
            headers["X-Roadworthy-Actor"] = actor
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, json=body or None, timeout=60)

    def may(self, person: str, action: str) -> bool:
        """Whether somebody may do something, as this process sees it."""
        found = self.ask("GET", f"/policy/ruling?person={person}&action={action}").json()
        return bool(found["ruling"]["allowed"])


@contextmanager
def serving(root: Path, url: str) -> Iterator[Server]:
    """A process that serves the workspace until the block ends."""
    made = multiprocessing.get_context("spawn")
    mine, theirs = made.Pipe()
    process = made.Process(target=server_process.serve, args=(str(root), url, theirs))
    process.start()
    theirs.close()
    try:
        assert mine.poll(90), "the server did not come up"
        yield Server(*mine.recv())
    finally:
        mine.close()
        process.join(30)
        process.kill()


@dataclass
class Two:
    """Both servers, and the database they share; empty = SQLite in the workspace."""

    first: Server
    second: Server
    root: Path
    database: str

    def world(self) -> Any:
        """The same installation, opened here."""
        return World.on(self.database, self.root, InlineEngine())


@pytest.fixture(scope="module")
def two(lasting_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    root = tmp_path_factory.mktemp("two")
    with World.on(lasting_database_url, root, InlineEngine()) as world:
        world.cast()
    with ExitStack() as stack:
        first = stack.enter_context(serving(root, lasting_database_url))
        yield Two(first, stack.enter_context(serving(root, lasting_database_url)), root, lasting_database_url)


def test_a_policy_put_in_force_through_one_process_is_in_force_in_the_other(two: Two) -> None:
    assert two.second.may("rita", "release")
    put = two.first.ask("PUT", "/policy", text=NO_RELEASE, source="ours.cedar", reason="two people release")
    assert put.status_code == 200
    assert not two.second.may("rita", "release")
    assert two.second.ask("GET", "/policy").json()["source"] == "ours.cedar"

    broken = two.second.ask("PUT", "/policy", text="permit (principal, action, resource);\npermit (;", source="bad")
    assert (broken.status_code, "line 2" in broken.text) == (422, True)
    for server in (two.first, two.second):
        assert server.ask("GET", "/policy").json()["source"] == "ours.cedar"

    assert two.second.ask("PUT", "/policy", text=SHIPPED.text, source="shipped").status_code == 200
    assert two.first.may("rita", "release")
    with two.world() as world:
        told = [c.facts["diff"][:2] for c in world.changes() if c.action == "policy-set"]
        assert told == [["--- roadworthy.cedar", "+++ ours.cedar"], ["--- ours.cedar", "+++ shipped"]]
        assert verify_changes(world.house) == len(world.changes())


def test_somebody_deactivated_through_one_process_may_do_nothing_through_the_other(two: Two) -> None:
    made = two.first.ask("POST", "/tokens", person="victor", name="a test").json()
    assert two.second.ask("GET", "/policy", token=made["secret"]).status_code == 200
    gone = two.first.ask("POST", "/people/victor/deactivate", reason="left the company")
    assert gone.status_code == 201, gone.text
    refused = two.second.ask("GET", "/policy", token=made["secret"])
    assert (refused.status_code, "not active any more" in refused.text) == (401, True)


def test_a_token_revoked_through_one_process_opens_nothing_in_the_other(two: Two) -> None:
    made = two.first.ask("POST", "/tokens", person="vera", name="a test").json()
    assert two.second.ask("GET", "/policy", token=made["secret"]).status_code == 200
    assert two.first.ask("DELETE", f"/tokens/{made['token']['id']}").status_code == 200
    assert two.second.ask("GET", "/policy", token=made["secret"]).status_code == 401
