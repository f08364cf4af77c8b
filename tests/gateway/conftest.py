"""A small real world around the gateway: in-memory adapters, logistic models, documents with a checksum."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from scipy.special import expit

from roadworthy.adapters.artifacts.memory import MemoryArtifacts
from roadworthy.adapters.clock import SimulatedClock
from roadworthy.adapters.decisions.memory import MemoryLog
from roadworthy.adapters.served.memory import MemoryServed
from roadworthy.domain.errors import ArtifactError, SignatureWrongError
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Arm, ArmRole, Decision, Deployment, DeploymentState, Strategy
from roadworthy.domain.trust import Licence
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.plane import Gateway
from roadworthy.gateway.request import Limits, Ports, Verified

SIGNATURE = Signature(
    (
        ColumnSpec("age", DType.INT64, low=18, high=90),
        ColumnSpec("balance", DType.FP64, missing_allowed=True),
        ColumnSpec("job", DType.BYTES, categories=("clerk", "nurse")),
        ColumnSpec("married", DType.BOOL),
    )
)


@dataclass
class Logistic:
    """1 / (1 + exp(-(bias + age / 100))), or the misbehaviour its artifact asks for."""

    bias: float
    habit: str = ""
    before: Callable[[], None] = lambda: None
    batches: list[int] = field(default_factory=list)

    def predict(self, columns: Columns) -> Any:
        self.before()
        age = np.asarray(columns["age"], dtype=np.float64)
        self.batches.append(len(age))
        if self.habit == "raises" or (self.habit == "poisoned" and (age == 66).any()):
            raise RuntimeError("the model is out of order")
        if self.habit == "nan":
            return np.full(len(age), np.nan)
        if self.habit == "rounds":
            return expit(self.bias + age / 100) + len(age) * 1e-15
        return expit(self.bias + age / 100)


def document(deployment: Deployment) -> bytes:
    """A deployment and the checksum `verify` asks for."""
    payload = msgspec.json.encode(deployment)
    return hashlib.sha256(payload).hexdigest().encode() + payload


def read(data: bytes) -> Deployment:
    """Refuses a document that was changed after it was made."""
    checksum, payload = data[:64], data[64:]
    if hashlib.sha256(payload).hexdigest().encode() != checksum:
        raise SignatureWrongError("the document was changed", remedy="Publish it again.")
    return msgspec.json.decode(payload, type=Deployment)


class World:
    """Everything around one gateway."""

    def __init__(
        self, limits: Limits | None = None, log: Any = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.configurations, self.artifacts = MemoryServed(), MemoryArtifacts()
        self.log, self.clock = log or MemoryLog(), SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.models: dict[str, Logistic] = {}
        self.licences: dict[str, Licence] = {}
        self.on_load: Callable[[], None] = lambda: None
        self.instead: Callable[[Arm], Predictor] | None = None
        self.before_predict: Callable[[], None] = lambda: None
        ports = Ports(
            self.configurations,
            self.verify,
            self.artifacts,
            self.load,
            self.log,
            self.clock,
            monotonic=now,
        )
        self.gateway = Gateway(ports, limits)

    def verify(self, data: bytes) -> Verified:
        """What was published, with what `licences` says; every version else may do anything."""
        found = read(data)
        unlimited = {a.version: Licence(a.version, found.created_at) for a in found.arms if a.version}
        return Verified(found, {**unlimited, **self.licences})

    def load(self, arm: Arm, artifact: bytes) -> Predictor:
        self.on_load()
        if self.instead is not None:
            return self.instead(arm)
        said = json.loads(artifact)
        if "bias" not in said:
            raise ArtifactError("not a model", remedy="Store one.")
        model = Logistic(said["bias"], said["habit"], self.wait)
        self.models[arm.version] = model
        return model

    def wait(self) -> None:
        """Whatever a test does before a predict."""
        self.before_predict()

    def arm(self, version: str, role: ArmRole, weight: float, habit: str = "", bias: float = 0.0) -> Arm:
        digest = self.artifacts.put(json.dumps({"bias": bias, "habit": habit, "of": version}).encode())
        return Arm(role.value, role, weight, version, digest, 0.5, SIGNATURE)

    def deployment(self, *arms: Arm, holdout: float = 0.0, **changes: Any) -> Deployment:
        held = (Arm("hold-out", ArmRole.HOLD_OUT, holdout),) if holdout else ()
        made = Deployment(
            id="d-1",
            endpoint="offers",
            strategy=Strategy.CANARY,
            arms=(*arms, *held),
            salt="salt-1",
            holdout_acts=True,
            state=DeploymentState.PROGRESSING,
            created_at=self.clock.now(),
            created_by="olga",
        )
        return replace(made, **changes)

    def canary(self, share: float, habit: str = "", **changes: Any) -> Deployment:
        champion = self.arm("v1", ArmRole.CHAMPION, 1 - share)
        return self.deployment(champion, self.arm("v2", ArmRole.CHALLENGER, share, habit, bias=0.5), **changes)

    def publish(self, deployment: Deployment | None = None) -> Deployment:
        made = deployment or self.deployment(self.arm("v1", ArmRole.CHAMPION, 1.0))
        self.configurations.publish(made.endpoint, document(made))
        return made

    def decisions(self, endpoint: str = "offers") -> list[Decision]:
        return list(self.log.read(endpoint))

    @staticmethod
    def body(ages: Sequence[int] = (40,), units: Sequence[str] = ("u-1",), **top: Any) -> bytes:
        n = len(ages)
        columns: list[tuple[str, str, list[Any]]] = [
            ("age", "INT64", list(ages)),
            ("balance", "FP64", [None] * n),
            ("job", "BYTES", ["clerk"] * n),
            ("married", "BOOL", [True] * n),
        ]
        inputs = [{"name": c, "shape": [n], "datatype": t, "data": d} for c, t, d in columns]
        return json.dumps({"inputs": inputs, "parameters": {"unit_ids": list(units)}, **top}).encode()

    def talk(self, conversation: Callable[[httpx.AsyncClient], Awaitable[Any]], watches: Sequence[Any] = ()) -> Any:
        """Run a conversation with the gateway over ASGI, then drain it."""

        async def run() -> Any:
            app = GatewayApp(self.gateway, watches=watches)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
                try:
                    return await conversation(client)
                finally:
                    await app.drain()

        return asyncio.run(run())

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
        """One request over ASGI."""
        named = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        reply: httpx.Response = self.talk(lambda client: client.request(method, path, content=body, headers=named))
        return reply

    def infer(self, body: bytes, **headers: str) -> httpx.Response:
        return self.request("POST", "/v2/models/offers/infer", body, **headers)


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    """Makes worlds, and ends their loader threads."""
    made: list[World] = []

    def make(limits: Limits | None = None, log: Any = None, **about: Any) -> World:
        made.append(World(limits, log, **about))
        return made[-1]

    yield make
    for world in made:
        world.gateway.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with nothing published."""
    return make_world()


@pytest.fixture
def served_world(world: World) -> World:
    """A world whose endpoint `offers` serves version v1."""
    world.publish()
    return world
