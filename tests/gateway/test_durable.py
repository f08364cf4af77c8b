"""With the log on disk: what was answered is there before the answer is, whatever breaks in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain import faults
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.serving import ArmRole
from roadworthy.gateway.request import Asked, Limits


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


def test_a_slow_disk_holds_callers_back_for_a_bounded_time_and_then_says_so(
    make_world: Callable[..., Any], tmp_path: Path
) -> None:
    world = make_world(Limits(deadline_s=0.3, waiting_rows=2, retry_after_s=3), log=SegmentLog(tmp_path / "log"))
    world.publish()
    world.gateway.infer("offers", world.body(id="warm"))
    mended = threading.Event()
    faults.arm("decisions.before-sync", lambda: mended.wait(30) and None)

    async def conversation(client: httpx.AsyncClient) -> tuple[list[httpx.Response], list[httpx.Response]]:
        async def ask(n: int) -> httpx.Response:
            path, headers = "/v2/models/offers/infer", {"content-type": "application/json"}
            return await client.post(path, content=world.body([40], [f"u-{n}"], id=f"r-{n}"), headers=headers)

        slow = list(await asyncio.gather(*map(ask, range(6))))
        mended.set()
        return slow, [await ask(n) for n in range(6)]

    slow, again = world.talk(conversation)
    assert {r.status_code for r in slow} == {429, 503}
    assert {r.headers["retry-after"] for r in slow} == {"3"}
    assert [r.status_code for r in again] == [200] * 6
    assert sorted(on_disk(tmp_path)) == ["r-0", "r-1", "r-2", "r-3", "r-4", "r-5", "warm"]


def test_a_retry_elsewhere_that_is_scored_in_other_company_keeps_one_record(
    make_world: Callable[..., Any], tmp_path: Path
) -> None:
    first, other = (make_world(log=SegmentLog(tmp_path / "log", writer=name)) for name in ("first", "other"))
    for world in (first, other):
        world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0, habit="rounds")))
    alone = first.gateway.infer("offers", first.body(id="r-1"))
    served = other.gateway.resolve("offers")
    bodies = [other.body(id="r-1"), other.body([30], ["u-2"], id="r-2")]
    again = other.gateway.process([other.gateway.admit(served, Asked(b), arrived=0.0) for b in bodies])[0]
    assert again.scores != alone.scores
    assert again.scores == pytest.approx(alone.scores, abs=1e-14)
    assert sorted(on_disk(tmp_path)) == ["r-1", "r-2"]
