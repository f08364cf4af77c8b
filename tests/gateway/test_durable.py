"""With the log on disk: what was answered is there before the answer is, whatever breaks in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain import faults
from roadworthy.domain.errors import UnavailableError


@pytest.fixture
def disk_world(make_world: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    """A world whose log is a folder."""
    log = SegmentLog(tmp_path / "log")
    world = make_world(log=log)
    world.publish(world.canary(0.3, holdout=0.1))
    yield world
    log.close()


def on_disk(tmp_path: Path) -> list[str]:
    """What another process would read."""
    return [d.request_id for d in SegmentLog(tmp_path / "log").read("offers")]


def test_an_answered_decision_is_on_disk_already(disk_world: Any, tmp_path: Path) -> None:
    answer = disk_world.gateway.infer("offers", disk_world.body(id="r-1"))
    assert on_disk(tmp_path) == ["r-1"]
    assert answer.request_ids == ("r-1",)


@pytest.mark.parametrize("point", ["decisions.before-sync", "decisions.after-sync"])
def test_a_log_that_breaks_gives_no_answer_and_the_retry_is_recorded_once(
    disk_world: Any, tmp_path: Path, point: str
) -> None:
    def broken() -> None:
        raise OSError("no space left on device")

    body = disk_world.body(id="r-1")
    faults.arm(point, broken)
    with pytest.raises(UnavailableError) as caught:
        disk_world.gateway.infer("offers", body)
    assert caught.value.fields["reason"] == "log-refused"
    faults.disarm_all()
    disk_world.gateway.infer("offers", body)
    assert on_disk(tmp_path) == ["r-1"]


def test_every_answer_over_http_is_on_disk(disk_world: Any, tmp_path: Path) -> None:
    replies = [disk_world.infer(disk_world.body([30], [f"u-{n}"], id=f"r-{n}")) for n in range(20)]
    assert {r.status_code for r in replies} == {200}
    assert sorted(on_disk(tmp_path)) == sorted(r.json()["id"] for r in replies)
