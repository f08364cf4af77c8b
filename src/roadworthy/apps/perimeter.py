"""The perimeter: one version behind the real gateway over real HTTP, with a log of its own and no users."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq

from roadworthy.adapters.artifacts.memory import MemoryArtifacts
from roadworthy.adapters.clock import SystemClock
from roadworthy.adapters.decisions.memory import MemoryLog
from roadworthy.adapters.served.memory import MemoryServed
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.inference import inference_body, scores_of
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Columns, Trial, Workshop
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Drill, Probe, Strategy
from roadworthy.domain.storing.folder import Artifact
from roadworthy.domain.trust import Licence
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.plane import Gateway, InProcessEndpoint
from roadworthy.gateway.request import Ports, Verified
from roadworthy.statistics.frame import Floats, Frame

TRIAL = "trial"
"""The endpoint's name inside the perimeter."""

MALFORMED = (b"", b"{", b'{"inputs": []}', b'{"inputs": 3}', b'{"inputs": [{"name": "x"}]}', b"\xff\xfe")
"""Bodies that must be refused with a 4xx."""

BATCH_ROWS = 256


class LocalPerimeter:
    """Implements `ports.Perimeter` on this machine."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    @contextmanager
    def open(self, version: ModelVersion, artifact: Artifact) -> Iterator[Trial]:
        """A running trial; server and models end with the block."""
        trial = LocalTrial(self._workshop, version, artifact)
        with (
            BackgroundServer(GatewayApp(trial.gateway)) as server,
            httpx.Client(base_url=server.url, timeout=30) as client,
        ):
            trial.connect(client)
            yield trial
        trial.gateway.close()


class LocalTrial:
    """One version on trial."""

    def __init__(self, workshop: Workshop, version: ModelVersion, artifact: Artifact) -> None:
        self._version = version
        self._predictor = workshop.load(artifact, version.format, version.signature)
        self._artifacts = MemoryArtifacts()
        digest, files = self._artifacts.keep(artifact)
        arm = Arm(
            version.id, ArmRole.CHAMPION, 1.0, version.id, digest, version.threshold, version.signature, files
        )
        self._deployment = Deployment(
            id="trial-d1",
            endpoint=TRIAL,
            strategy=Strategy.BASIC,
            arms=(arm,),
            salt=TRIAL,
            holdout_acts=False,
            state=DeploymentState.STABLE,
            created_at=datetime.now(UTC),
            created_by="platform",
        )
        self._served = MemoryServed()
        self._log = MemoryLog()
        self._put(self._deployment)
        self.gateway = Gateway(
            Ports(
                configurations=self._served,
                # Nothing is signed inside the perimeter: the version has yet to earn its evidence, and no user
                # can reach this endpoint.
                verify=lambda _: Verified(self._deployment, {version.id: Licence(version.id, datetime.now(UTC))}),
                artifacts=self._artifacts,
                load=lambda _, data: workshop.load(data, version.format, version.signature),
                log=self._log,
                clock=SystemClock(),
            )
        )
        self._client: httpx.Client | None = None
        self._sent = 0

    def connect(self, client: httpx.Client) -> None:
        """Use this client for everything that goes over HTTP."""
        self._client = client

    def rest(self, columns: Columns) -> Floats:
        """Scores through HTTP."""
        frame = Frame(dict(columns))
        parts = [self._ask(part) for part in frame.batches(BATCH_ROWS)]
        return np.concatenate(parts) if parts else np.empty(0)

    def in_code(self, columns: Columns) -> Floats:
        """Scores through the in-process endpoint."""
        frame = Frame(dict(columns))
        answers = InProcessEndpoint(self.gateway, TRIAL).predict(frame, self._names(frame.n_rows))
        return np.array([s for a in answers for s in a.scores], dtype=np.float64)

    def batch(self, columns: Columns) -> Floats:
        """Scores of a Parquet file, read back in batches."""
        stored = io.BytesIO()
        papq.write_table(Frame(dict(columns)).to_arrow(), stored)
        parts = [
            self._predictor.predict(Frame.from_arrow(part).columns)
            for part in map(_table, papq.ParquetFile(stored).iter_batches(BATCH_ROWS))
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def probe(self, columns: Columns) -> Probe:
        """One request per row, then malformed ones."""
        frame = Frame(dict(columns))
        before = len(self._log.read(TRIAL))
        latencies: list[float] = []
        answered = echoed = 0
        for row in frame.batches(1):
            name = self._names(1)[0]
            started = time.perf_counter()
            reply = self._post(inference_body(row, self._version.signature, [name], name))
            latencies.append((time.perf_counter() - started) * 1000)
            answered += reply.status_code == 200
            echoed += reply.status_code == 200 and reply.json().get("id") == name
        logged = len(self._log.read(TRIAL)) - before
        refused = sum(400 <= self._post(body).status_code < 500 for body in MALFORMED)
        return Probe(
            requests=frame.n_rows,
            answered=answered,
            echoed_ids=echoed,
            latency_ms_p50=float(np.percentile(latencies, 50)) if latencies else float("nan"),
            latency_ms_p99=float(np.percentile(latencies, 99)) if latencies else float("nan"),
            logged=logged,
            malformed_sent=len(MALFORMED),
            malformed_refused=refused,
        )

    def drill(self, columns: Columns) -> Drill:
        """Deploy, take back under traffic, and time until the policy without the model answers; then restore."""
        frame = Frame(dict(columns))
        original = self._deployment
        held = Arm(name="hold-out", role=ArmRole.HOLD_OUT, weight=1.0)
        taken_back = replace(
            original, arms=(*original.arms, held), revision=original.revision + 1, state=DeploymentState.ROLLED_BACK
        )
        requests = failed = 0
        restored: float | None = None
        started = time.perf_counter()
        for number, row in enumerate(frame.batches(1)):
            if number == frame.n_rows // 2:
                started = time.perf_counter()
                self._put(taken_back)
            name = self._names(1)[0]
            reply = self._post(inference_body(row, self._version.signature, [name], name))
            requests += 1
            failed += reply.status_code != 200
            if number >= frame.n_rows // 2 and restored is None and reply.status_code == 200:
                arm = next(o for o in reply.json()["outputs"] if o["name"] == "arm")["data"][0]
                restored = time.perf_counter() - started if arm == "hold-out" else None
        self._put(replace(original, revision=taken_back.revision + 1))
        return Drill(
            ran=restored is not None,
            seconds_to_restore=restored if restored is not None else float("inf"),
            requests=requests,
            failed=failed,
            reason="" if restored is not None else "the former policy never answered",
        )

    def _put(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._served.publish(TRIAL, canonical(to_json(deployment)))

    def _ask(self, frame: Frame) -> Floats:
        reply = self._post(inference_body(frame, self._version.signature, self._names(frame.n_rows)))
        if reply.status_code != 200:
            raise UnavailableError(
                f"the trial endpoint answered {reply.status_code}: {reply.text[:200]}",
                remedy="The model fails behind the gateway; see the reason above.",
            )
        return scores_of(reply.json())

    def _post(self, body: bytes) -> httpx.Response:
        if self._client is None:
            raise UnavailableError(
                "the trial has not been opened", remedy="Use it inside `with perimeter.open(...)`."
            )
        return self._client.post(
            f"/v2/models/{TRIAL}/infer", content=body, headers={"Content-Type": "application/json"}
        )

    def _names(self, n: int) -> list[str]:
        names = [f"trial-{self._sent + i}" for i in range(n)]
        self._sent += n
        return names


def _table(batch: Any) -> Any:
    return pa.Table.from_batches([batch])
