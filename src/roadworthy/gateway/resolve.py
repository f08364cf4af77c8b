"""Which deployment answers for an endpoint now: verified, loaded, and exchanged while requests go on.

Only a document that verified is ever served. When a newer one does not verify or its models do not load, the last
good one serves on and the endpoint is `degraded` until the fault is mended (it is tried again every
`reload_retry_s`). A document that needs no new model (a share moved, a rollback) is in force with the next request;
one that brings new artifacts is loaded beside the serving one and takes over when it is ready: nobody waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from roadworthy.domain.errors import (
    IntegrityError,
    NotFoundError,
    NotLicensedError,
    RoadworthyError,
    UnavailableError,
)
from roadworthy.domain.model import Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Arm, ArmRole, Deployment, ServedMark
from roadworthy.gateway.assign import Assigner, Permits
from roadworthy.gateway.breaker import Breaker, BreakerRule, Circuit, Guarded
from roadworthy.gateway.metrics import GatewayMetrics
from roadworthy.gateway.protocol.columns import Contract
from roadworthy.gateway.request import Limits, Ports

ModelKey = tuple[str, str, Signature]


@dataclass(frozen=True, slots=True)
class LoadedArm:
    """An arm and its model."""

    arm: Arm
    predictor: Predictor


@dataclass(frozen=True, slots=True)
class Served:
    """A verified deployment, ready to predict. `arms` are the arms that answer by name; the hold-out has no model.

    `shadows` score besides, and are never asked for an answer.
    """

    deployment: Deployment
    stamp: str
    assigner: Assigner
    contract: Contract
    permits: Permits
    arms: Mapping[str, LoadedArm]
    champion: LoadedArm
    shadows: tuple[LoadedArm, ...] = ()

    def arm_of(self, version: str) -> LoadedArm:
        """The arm that serves a version. Raises NotFoundError naming the versions that are served."""
        for loaded in self.arms.values():
            if loaded.arm.version == version:
                return loaded
        raise NotFoundError(
            f"endpoint '{self.deployment.endpoint}' does not serve the version {version[:64]!r}",
            remedy=f"It serves: {', '.join(a.arm.version for a in self.arms.values())}.",
            version=version[:64],
        )


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """Stands where a model would, whose approval had ended when its document was taken up."""

    why: str

    def predict(self, columns: Columns) -> Any:  # noqa: ARG002 - the port's signature
        """Raises NotLicensedError: it was never loaded."""
        raise NotLicensedError(self.why, remedy="Validators renew the approval.")


class Health(Enum):
    """Whether an endpoint serves what it should."""

    SERVING = "serving"
    DEGRADED = "degraded"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """`degraded`: the newest document was refused and an older one serves, or a version that fails or hangs is not
    asked (its circuit is open); `broken`: nothing verified serves.
    """

    health: Health
    reason: str = ""


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    serving: Served | None = None
    refused: str = ""
    refused_at: datetime | None = None
    problem: RoadworthyError | None = None
    loading: Future[None] | None = None


class Resolver:
    """The deployment in force per endpoint. Safe to use from several threads."""

    def __init__(self, ports: Ports, limits: Limits, metrics: GatewayMetrics) -> None:
        self._ports = ports
        self._limits = limits
        self._metrics = metrics
        self._slots: dict[str, _Slot] = {}
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="gateway-load")

    @property
    def known(self) -> frozenset[str]:
        """Endpoints a document was seen for."""
        return frozenset(self._slots)

    def peek(self, endpoint: str) -> Served | None:
        """What serves, if it is what is in force; never blocks on a model. None means: ask `current`."""
        slot = self._slots.get(endpoint)
        if slot is None or slot.serving is None or slot.problem is not None:
            return None
        if slot.loading is not None and not slot.loading.done():
            return slot.serving
        return slot.serving if self._stamp(slot, endpoint) == slot.serving.stamp else None

    def current(self, endpoint: str) -> Served:
        """What serves now; takes up a newer document first.

        Raises:
            NotFoundError: no document is in force for this endpoint.
            UnavailableError: there is one, and it does not verify or load.
        """
        slot = self._slots.get(endpoint)
        stamp = self._stamp(slot, endpoint)
        if not stamp and (slot is None or slot.serving is None):
            raise NotFoundError(
                f"there is no endpoint {endpoint[:64]!r}",
                remedy="Deploy a version to it first; GET /v2/health/ready lists the endpoints.",
                endpoint=endpoint[:64],
            )
        slot = self._slots.setdefault(endpoint, _Slot())
        with slot.lock:
            self._refresh(slot, endpoint, stamp)
            if slot.serving is None:
                raise _nothing_verified(endpoint, slot.problem)
            return slot.serving

    def health(self) -> dict[str, EndpointHealth]:
        """Every known endpoint's state, after taking up what is in force."""
        known = dict.fromkeys((*self._ports.configurations.endpoints(), *self._slots))
        return {endpoint: self.endpoint_health(endpoint) for endpoint in known}

    def endpoint_health(self, endpoint: str) -> EndpointHealth:
        """One endpoint's state. Raises NotFoundError."""
        try:
            self.current(endpoint)
        except UnavailableError as error:
            return EndpointHealth(Health.BROKEN, str(error))
        served = self._slots[endpoint].serving
        ended = _ended(served, self._ports.clock.now()) if served else ""
        if ended:
            return EndpointHealth(Health.BROKEN, ended)
        problem = self._slots[endpoint].problem
        if problem:
            return EndpointHealth(Health.DEGRADED, str(problem))
        circuits = _not_asked(served) if served else ""
        return EndpointHealth(Health.DEGRADED, circuits) if circuits else EndpointHealth(Health.SERVING)

    def settle(self, timeout_s: float = 60.0) -> None:
        """Wait until no model is being loaded in the background."""
        for slot in list(self._slots.values()):
            if slot.loading is not None:
                slot.loading.result(timeout_s)

    def close(self) -> None:
        """Stop loading."""
        self._loader.shutdown(wait=True, cancel_futures=True)

    def _stamp(self, slot: _Slot | None, endpoint: str) -> str:
        try:
            return self._ports.configurations.stamp(endpoint)
        except UnavailableError:
            if slot is None or slot.serving is None:
                raise
            return slot.serving.stamp

    def _refresh(self, slot: _Slot, endpoint: str, stamp: str) -> None:
        if slot.loading is not None and not slot.loading.done():
            return
        if slot.serving is not None and slot.serving.stamp == stamp:
            self._mended(slot, endpoint)
            return
        now = self._ports.clock.now()
        retry_after = timedelta(seconds=self._limits.reload_retry_s)
        if slot.refused_at is not None and slot.refused == stamp and now - slot.refused_at < retry_after:
            return
        try:
            deployment, assigner, contract, permits = self._verified(slot, endpoint)
            loaded = _models(slot.serving)
            missing = [arm for arm in _version_arms(deployment) if _key(arm) not in loaded]
            take_over = _TakeOver(stamp, deployment, assigner, contract, permits, loaded)
            if slot.serving is not None and missing:
                slot.loading = self._loader.submit(self._load_beside, slot, take_over, missing)
                return
            self._load(take_over, missing)
            self._exchange(slot, take_over)
        except Exception as error:  # noqa: BLE001 - a port may raise anything; what serves must serve on
            self._refuse(slot, endpoint, stamp, _named(endpoint, error))

    def _verified(self, slot: _Slot, endpoint: str) -> tuple[Deployment, Assigner, Contract, Permits]:
        document = self._ports.configurations.read(endpoint)
        if document is None:
            raise IntegrityError(
                f"the served document of endpoint '{endpoint}' is gone",
                remedy="Publish it again.",
                endpoint=endpoint,
            )
        verified = self._ports.verify(document)
        deployment = verified.deployment
        _refuse_foreign(deployment, endpoint)
        memory = self._ports.memory
        before = memory.newest(endpoint) if memory else None
        now = ServedMark.of(slot.serving.deployment) if slot.serving else None
        _refuse_older(deployment, now, before)
        arms = _version_arms(deployment)
        return deployment, Assigner(deployment), Contract.of(arms), Permits(arms, verified.licences)

    def _load(self, take_over: _TakeOver, missing: list[Arm]) -> None:
        for arm in missing:
            why = take_over.permits.ended(arm, self._ports.clock.now())
            if why:
                # Its approval has ended: it is not loaded, unless another arm has the same model and a licence. A
                # document with a renewed approval loads it.
                take_over.models.setdefault(_key(arm), NotLoaded(why))
                continue
            artifact = self._ports.artifacts.fetch(arm.artifact, arm.files)
            breaker = self._breaker(take_over.deployment.endpoint, arm.version)
            take_over.models[_key(arm)] = Guarded(self._ports.load(arm, artifact), breaker)

    def _breaker(self, endpoint: str, version: str) -> Breaker:
        limits, metrics = self._limits, self._metrics
        rule = BreakerRule(
            limits.breaker_failures, limits.breaker_window_s, limits.breaker_open_s, call_s=limits.deadline_s
        )

        def told(circuit: Circuit) -> None:
            metrics.circuit.set(list(Circuit).index(circuit), endpoint, version)
            if circuit is Circuit.OPEN:
                metrics.circuits_opened.add(endpoint, version)

        return Breaker(rule, self._ports.monotonic, told)

    def _load_beside(self, slot: _Slot, take_over: _TakeOver, missing: list[Arm]) -> None:
        endpoint = take_over.deployment.endpoint
        try:
            self._load(take_over, missing)
            with slot.lock:
                self._exchange(slot, take_over)
        except Exception as error:  # noqa: BLE001 - whatever a model's loader raises, the serving one serves on
            with slot.lock:
                self._refuse(slot, endpoint, take_over.stamp, _named(endpoint, error))

    def _exchange(self, slot: _Slot, take_over: _TakeOver) -> None:
        deployment = take_over.deployment
        loaded = [LoadedArm(a, _placed(take_over.models[_key(a)], a)) for a in _version_arms(deployment)]
        arms = {a.arm.name: a for a in loaded if a.arm.role.answers}
        shadows = tuple(a for a in loaded if a.arm.role is ArmRole.SHADOW and a.arm.weight > 0)
        champion = next(a for a in arms.values() if a.arm.role is ArmRole.CHAMPION)
        if self._ports.memory is not None:
            # Before it serves: what was ever served is remembered, whenever the process dies.
            self._ports.memory.remember(deployment.endpoint, ServedMark.of(deployment))
        slot.serving = Served(
            deployment,
            take_over.stamp,
            take_over.assigner,
            take_over.contract,
            take_over.permits,
            arms,
            champion,
            shadows,
        )
        self._metrics.reloads.add(deployment.endpoint)
        self._mended(slot, deployment.endpoint)

    def _mended(self, slot: _Slot, endpoint: str) -> None:
        if slot.problem is not None or slot.refused:
            slot.problem, slot.refused, slot.refused_at = None, "", None
        self._metrics.degraded.set(0, endpoint)

    def _refuse(self, slot: _Slot, endpoint: str, stamp: str, error: RoadworthyError) -> None:
        slot.problem, slot.refused, slot.refused_at = error, stamp, self._ports.clock.now()
        self._metrics.reloads_refused.add(endpoint, error.code)
        self._metrics.degraded.set(1, endpoint)


@dataclass(frozen=True, slots=True)
class _TakeOver:
    """A verified deployment on its way into force, with the models it has so far."""

    stamp: str
    deployment: Deployment
    assigner: Assigner
    contract: Contract
    permits: Permits
    models: dict[ModelKey, Predictor]


def _version_arms(deployment: Deployment) -> list[Arm]:
    return [arm for arm in deployment.arms if arm.role is not ArmRole.HOLD_OUT]


def _key(arm: Arm) -> ModelKey:
    if arm.signature is None or not arm.artifact:
        raise IntegrityError(
            f"arm '{arm.name}' names no artifact or no signature",
            remedy="Publish the deployment again.",
            arm=arm.name,
        )
    return arm.artifact, arm.files, arm.signature


def _models(serving: Served | None) -> dict[ModelKey, Predictor]:
    arms = (*serving.arms.values(), *serving.shadows) if serving else ()
    return {_key(a.arm): a.predictor for a in arms if not isinstance(a.predictor, NotLoaded)}


def _placed(model: Predictor, arm: Arm) -> Predictor:
    """The model as its arm asks it: a challenger's may hang without anybody waiting for it."""
    return model.placed(aside=arm.role is ArmRole.CHALLENGER) if isinstance(model, Guarded) else model


def _not_asked(serving: Served) -> str:
    """Which versions are not asked now; empty while all are."""
    models = [(a.arm.version, a.predictor) for a in serving.arms.values()]
    states = [(version, m.breaker.circuit) for version, m in models if isinstance(m, Guarded)]
    return "; ".join(f"the circuit of {v} is {c.value}" for v, c in states if c is Circuit.OPEN)


def _ended(serving: Served, now: datetime) -> str:
    """Why nothing may answer any more, where models should; empty otherwise."""
    held = sum(a.weight for a in serving.deployment.arms if a.role is ArmRole.HOLD_OUT)
    return serving.permits.all_ended(now) if held < 1.0 else ""


def _refuse_foreign(deployment: Deployment, endpoint: str) -> None:
    if deployment.endpoint != endpoint:
        raise IntegrityError(
            f"the document in force for '{endpoint}' was signed for '{deployment.endpoint}'",
            remedy="Publish each endpoint's own document.",
            piece="document",
            endpoint=endpoint,
        )


def _refuse_older(deployment: Deployment, *served: ServedMark | None) -> None:
    """An old signed document stays genuine for ever: what was served since is why it is refused."""
    mark = ServedMark.of(deployment)
    for newer in served:
        if newer is not None and mark.older_than(newer):
            raise IntegrityError(
                f"revision {deployment.revision} of deployment '{deployment.id}' is older than what was served "
                f"(revision {newer.revision} of '{newer.deployment}')",
                remedy="Publish a new revision; an old signed document is not taken back into force.",
                piece="document",
                deployment=deployment.id,
            )


def _named(endpoint: str, error: Exception) -> RoadworthyError:
    if isinstance(error, RoadworthyError):
        return error
    return UnavailableError(
        f"a model of endpoint '{endpoint}' did not load: {type(error).__name__}: {str(error)[:200]}",
        remedy="Look at the artifact; the endpoint serves on with the last good deployment.",
        endpoint=endpoint,
    )


def _nothing_verified(endpoint: str, problem: RoadworthyError | None) -> UnavailableError:
    return UnavailableError(
        f"endpoint '{endpoint}' has no deployment that verifies: {problem.what if problem else 'not loaded yet'}",
        remedy=problem.remedy if problem else "Try again shortly.",
        reason="not-verified",
        endpoint=endpoint,
    )
