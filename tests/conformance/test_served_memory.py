"""What every memory of what was served promises (`domain/ports.py`: ServedMemory)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roadworthy.adapters.served.newest import FileNewest, MemoryNewest
from roadworthy.domain.errors import CouldNotVerifyError, InputError, StorageUnavailableError
from roadworthy.domain.ports import ServedMemory
from roadworthy.domain.serving import ServedMark

MARK = ServedMark("d-1", 3, datetime(2026, 3, 1, tzinfo=UTC))
LATER = ServedMark("d-2", 1, MARK.created_at + timedelta(hours=1))


@pytest.fixture(params=["files", "memory"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> ServedMemory:
    return FileNewest(tmp_path / "gateway") if request.param == "files" else MemoryNewest()


def test_before_anything_is_served_there_is_nothing(memory: ServedMemory) -> None:
    assert memory.newest("offers") is None


def test_the_newest_mark_is_kept_per_endpoint(memory: ServedMemory) -> None:
    memory.remember("offers", MARK)
    memory.remember("a/b", LATER)
    assert (memory.newest("offers"), memory.newest("a/b")) == (MARK, LATER)


@pytest.mark.parametrize("older", [replace(MARK, revision=2), replace(LATER, created_at=MARK.created_at)], ids=str)
def test_an_older_mark_never_takes_the_place_of_a_newer_one(memory: ServedMemory, older: ServedMark) -> None:
    newer = MARK if older.deployment == "d-1" else replace(MARK, created_at=MARK.created_at + timedelta(days=1))
    memory.remember("offers", newer)
    memory.remember("offers", older)
    assert memory.newest("offers") == newer


def test_a_later_deployment_takes_the_place_of_an_earlier_one_whatever_its_revision(memory: ServedMemory) -> None:
    memory.remember("offers", MARK)
    memory.remember("offers", LATER)
    assert memory.newest("offers") == LATER


def test_of_many_at_once_the_newest_stays(memory: ServedMemory) -> None:
    marks = [replace(MARK, revision=n) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda m: memory.remember("offers", m), marks[::2] + marks[::-2]))
    assert memory.newest("offers") == marks[-1]


def test_a_name_that_cannot_be_an_endpoint_is_refused(memory: ServedMemory) -> None:
    with pytest.raises(InputError):
        memory.newest("")


def test_a_folder_remembers_beyond_the_process_and_says_when_it_cannot_be_read(tmp_path: Path) -> None:
    FileNewest(tmp_path).remember("offers", MARK)
    assert FileNewest(tmp_path).newest("offers") == MARK
    (tmp_path / "offers.json").write_bytes(b'{"deployment": 1}')
    with pytest.raises(CouldNotVerifyError, match=r"offers\.json"):
        FileNewest(tmp_path).newest("offers")


def test_a_file_in_place_of_the_folder_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "gateway").write_text("")
    with pytest.raises(StorageUnavailableError, match="remember what was served"):
        FileNewest(tmp_path / "gateway")
