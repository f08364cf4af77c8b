"""A real gateway process tells what its settings ask for: spans to a collector, and its log as JSON lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))
sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "telemetry"))

from gateway_process import GatewayProcess, asking, lay_out
from simulated_offers import simulate
from test_spans import SAMPLED, TRACE, Collector

from roadworthy.adapters.decisions.segments import SegmentLog


def test_spans_reach_the_collector_and_lines_are_json_with_the_trace(tmp_path: Path) -> None:
    world, collector = lay_out(tmp_path), Collector()
    body = asking(world, simulate(1, 5)[0], ["u-1"])
    headers = {"content-type": "application/json", "traceparent": SAMPLED, "authorization": "Bearer secret-token"}
    with GatewayProcess(tmp_path, workers=1) as process:
        process.start(
            ROADWORTHY_OTEL_ENDPOINT=collector.url,
            ROADWORTHY_ACCESS_PERCENT="100",
            ROADWORTHY_LOG_FORMAT="json",
        )
        reply = httpx.post(process.url, content=body, headers=headers)
        assert reply.status_code == 200
        assert reply.headers["traceparent"].startswith(f"00-{TRACE}-")
        assert process.process is not None
        process.process.terminate()
        process.process.wait(30)
        process.process = None
    assert {"POST /v2/models/{endpoint}/infer", "resolve", "route", "predict", "record"} <= set(collector.spans())
    written = (tmp_path / "gateway.log").read_text()
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    (line,) = [one for one in lines if one.get("method") == "POST"]
    assert (line["logger"], line["status"], line["trace_id"]) == ("roadworthy.access", 200, TRACE)
    assert "secret" not in written
    log = SegmentLog(tmp_path / "decisions", writer="reader")
    assert [d.trace for d in log.read("mailing")] == [TRACE]
    log.close()
