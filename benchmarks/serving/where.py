"""Where the time of one request goes, inside one worker: microseconds of processor time per row, step by step.

    python -m benchmarks.serving.where [--workspace FOLDER] [--batch 64]

HTTP is not in it: the difference to the rate over HTTP is the server's and the event loop's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.serving.workspace import build, rows

from roadworthy.adapters.decisions.records import DECISIONS
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.apps.data_plane import open_gateway
from roadworthy.apps.settings import read_settings
from roadworthy.gateway.record import written

ENDPOINT = "model-0"


def per_call(work: Callable[[], object], calls: int) -> float:
    """Microseconds of processor time, the best of five runs."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time() - start) / calls)
    return best * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", default="", help="as the benchmark builds it; made when not given")
    parser.add_argument("--batch", type=int, default=64, help="rows answered together")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        root = Path(asked.workspace or made)
        if not asked.workspace:
            build(root, "lr")
        gateway = open_gateway(replace(read_settings(root), sync="off"), writer="where")
        log = SegmentLog(root / "where", sync="off", seals=False)
        for name, spent in steps(gateway, log, asked.batch):
            print(f"{name:<58} {spent:6.1f}")
        gateway.close()
    return 0


def steps(gateway: Any, log: SegmentLog, n: int) -> list[tuple[str, float]]:
    """Every step of the short way, per row."""
    tensor = {"name": "x", "shape": [1, 30], "datatype": "FP64", "data": rows()[0][20].tolist()}
    body = json.dumps({"parameters": {"unit_id": "customer-7"}, "inputs": [tensor]}).encode()
    served = gateway.resolve(ENDPOINT)
    way = gateway.express(served)
    batch = [way.read(body, time.perf_counter()) for _ in range(n)]
    line = next(iter(way.lines.values()))
    values = [row.values for row in batch]
    inputs = written(dict(zip(way.names, batch[0].values, strict=True)))
    now = datetime.now(UTC)
    decisions = [line.decision(row, inputs, 0.5, now, 1.0)[0] for row in batch]
    return [
        (
            "is what serves still in force (two files looked at)",
            per_call(lambda: gateway.resolver.peek(ENDPOINT), 2000),
        ),
        ("read and check the body", per_call(lambda: way.read(body, 0.0), 2000)),
        ("draw the arm", per_call(lambda: served.assigner.assign("customer-7"), 2000)),
        (f"predict, {n} rows together", per_call(lambda: line.scores(values, way.specs, floats=True), 50) / n),
        ("make the decision and its id", per_call(lambda: line.decision(batch[0], inputs, 0.5, now, 1.0), 2000)),
        ("encode it for the log", per_call(lambda: DECISIONS.encode(decisions), 50) / n),
        ("write it, encoding included (not synced)", per_call(lambda: log.append(decisions), 50) / n),
        ("write the answer", per_call(lambda: line.response("an-id", 0.5, acted=True), 2000)),
        (f"all of the batch: draw to answer, {n} rows", per_call(lambda: gateway.hurry(way, batch), 50) / n),
    ]


if __name__ == "__main__":
    sys.exit(main())
