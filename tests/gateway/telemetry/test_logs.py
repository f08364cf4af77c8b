"""The log's lines: one JSON object each, a share of requests, all that failed, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from roadworthy.gateway.telemetry.access import AccessLog
from roadworthy.gateway.telemetry.logs import JsonLines, Lines, write_logs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(params=["json", "text"])
def written(request: pytest.FixtureRequest) -> Iterator[tuple[str, io.StringIO]]:
    """What the package logs in one format, from the lowest level on; the loggers are as before afterwards."""
    logger = logging.getLogger("roadworthy")
    before = (logger.handlers[:], logger.level, logger.propagate)
    write_logs(request.param)
    stream = io.StringIO()
    for handler in logger.handlers:
        handler.setStream(stream)  # type: ignore[attr-defined] - it is a StreamHandler
    logger.setLevel(logging.DEBUG)
    yield request.param, stream
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def asked(world: Any, percent: int, *requests: tuple[str, bytes]) -> list[int]:
    """The statuses of requests to a gateway with an access log."""

    async def talk(client: Any) -> list[int]:
        headers = {
            "content-type": "application/json",
            "traceparent": PARENT,
            "authorization": "Bearer secret-token",
            "cookie": "session=secret-cookie",
            "x-api-key": "secret-key",
        }
        return [(await client.post(path, content=body, headers=headers)).status_code for path, body in requests]

    found: list[int] = world.talk(talk, watches=[AccessLog(percent)])
    return found


INFER = "/v2/models/offers/infer"


def test_a_request_is_a_line_with_its_ids(served_world: Any, written: tuple[str, io.StringIO]) -> None:
    asked(served_world, 100, (INFER, served_world.body(id="r-1")))
    form, stream = written
    (line,) = stream.getvalue().splitlines()
    if form == "json":
        said = json.loads(line)
        assert (said["logger"], said["level"], said["message"]) == (
            "roadworthy.access",
            "INFO",
            f"POST {INFER} 200",
        )
        assert (said["request_id"], said["trace_id"], said["status"]) == ("r-1", TRACE, 200)
        assert 0 < said["ms"] < 60_000
    else:
        assert f"POST {INFER} 200 [" in line
        assert "request_id=r-1" in line


def test_no_secret_is_in_any_line_whatever_happens(served_world: Any, written: tuple[str, io.StringIO]) -> None:
    served_world.gateway.resolve("offers")
    answered = asked(
        served_world,
        100,
        (f"{INFER}?token=secret-query", served_world.body(units=["secret-unit"])),
        (f"{INFER}?token=secret-query", served_world.body(units=["secret-unit"])[:-20]),
        ("/nowhere?password=secret-query", b"secret-body"),
    )
    served_world.models["v1"].habit = "raises"
    answered += asked(served_world, 100, (INFER, served_world.body(units=["secret-unit"])))
    assert answered == [200, 422, 404, 503]
    said = written[1].getvalue()
    assert len(said.splitlines()) >= 4
    assert "secret" not in said


@pytest.mark.parametrize(("percent", "lines"), [(0, 0), (1, 1), (30, 30), (100, 100)])
def test_a_share_of_what_went_well_is_logged_evenly(
    world: Any, caplog: pytest.LogCaptureFixture, percent: int, lines: int
) -> None:
    async def talk(client: Any) -> None:
        for _ in range(100):
            await client.get("/v2/health/live")

    with caplog.at_level(logging.INFO, "roadworthy.access"):
        world.talk(talk, watches=[AccessLog(percent)])
    assert len(caplog.records) == lines


def test_what_failed_here_is_always_logged(served_world: Any, caplog: pytest.LogCaptureFixture) -> None:
    served_world.gateway.resolve("offers")
    served_world.models["v1"].habit = "raises"
    with caplog.at_level(logging.INFO, "roadworthy.access"):
        asked(served_world, 0, (INFER, served_world.body()), (INFER, b"{"))
    assert [r.__dict__["status"] for r in caplog.records] == [503]


def test_a_path_cannot_forge_a_line(world: Any, written: tuple[str, io.StringIO]) -> None:
    asked(world, 100, ("/a%0a2026-01-01%20INFO%20forged", b""))
    assert len(written[1].getvalue().splitlines()) == 1


def record(message: str, **given: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "roadworthy.x", "levelname": "INFO", "msg": message, **given})


def test_a_traceback_stays_on_its_json_line() -> None:
    try:
        int("broken")
    except ValueError as problem:
        line = JsonLines().format(record("it broke", exc_info=(type(problem), problem, problem.__traceback__)))
    assert "\n" not in line
    said = json.loads(line)
    assert said["message"] == "it broke"
    assert said["error"].endswith("ValueError: invalid literal for int() with base 10: 'broken'")


def test_a_line_for_people_has_what_was_given_behind_it() -> None:
    assert Lines().format(record("done", rows=3)).endswith("INFO roadworthy.x: done [rows=3]")
