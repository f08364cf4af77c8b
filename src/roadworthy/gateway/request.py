"""The values that travel the request path: the parts it needs, its limits, a request's rows, and the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from roadworthy.domain.errors import SettingError
from roadworthy.domain.ports import (
    ArtifactStore,
    Clock,
    DecisionLog,
    Predictor,
    ProtectionLog,
    ServedConfigurations,
    ServedMemory,
)
from roadworthy.domain.serving import Arm, Deployment
from roadworthy.domain.storing.folder import Artifact
from roadworthy.domain.trust import Licence
from roadworthy.statistics.frame import Array


@dataclass(frozen=True, slots=True)
class Verified:
    """What a document puts in force, and what the signatures in it allow every version it serves."""

    deployment: Deployment
    licences: Mapping[str, Licence]


@dataclass(frozen=True, slots=True)
class Ports:
    """What the gateway needs of the world, injected by the composition root.

    Attributes:
        configurations: the signed document in force per endpoint.
        verify: document bytes -> the deployment it puts in force, with the licences of its versions; raises
            IntegrityError when the evidence does not hold. Nothing is served that it did not return.
        artifacts: model bytes by digest.
        load: arm and artifact (bytes or folder) -> a predictor; raises ArtifactError when the format is not admitted.
        log: where every decision is durable before it is answered.
        clock: the time decisions carry.
        monotonic: seconds of a clock that never goes back, for circuits.
        memory: what was served before this process began, so that an older signed document is refused after a
            restart too; None = only what this process served counts.
        tallies: where what the standing protections saw is written down; None = nowhere.
    """

    configurations: ServedConfigurations
    verify: Callable[[bytes], Verified]
    artifacts: ArtifactStore
    load: Callable[[Arm, Artifact], Predictor]
    log: DecisionLog
    clock: Clock
    memory: ServedMemory | None = None
    tallies: ProtectionLog | None = None
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the gateway says no, so that overload is refused early instead of suffered late. All are positive.

    Attributes:
        body_bytes: largest request body (16 MiB); larger ones get 413.
        rows_per_request: most rows in one request.
        rows_per_batch: most rows predicted together; waiting requests beyond it form the next batch.
        waiting_rows: most rows waiting per endpoint; a request that does not fit gets 429.
        body_s: seconds within which a body must be there; soon after, the caller gets 408 and the connection is closed.
        deadline_s: seconds from arrival to answer; later the caller gets 503 and a row not yet predicted never is.
        retry_after_s: seconds a refused caller is told to wait.
        reload_retry_s: seconds until a document that was refused is tried again.
        remembered_rows: rows per endpoint whose answer is repeated when a caller retries with the same request id.
        id_chars: longest request id or unit id.
        breaker_failures: failed calls in `breaker_window_s` seconds after which an arm is not asked (`breaker.py`).
        breaker_window_s: seconds such a window lasts.
        breaker_open_s: seconds until an arm that is not asked is tried again.
        shadow_rows: most answered rows waiting for one shadow; those beyond it are dropped and counted.
        shadow_drain_s: seconds a gateway that ends goes on with what waits for its shadows.
    """

    body_bytes: int = 16 * 2**20
    rows_per_request: int = 10_000
    rows_per_batch: int = 10_000
    waiting_rows: int = 50_000
    body_s: float = 10.0
    deadline_s: float = 10.0
    retry_after_s: int = 1
    reload_retry_s: float = 5.0
    remembered_rows: int = 50_000
    id_chars: int = 256
    breaker_failures: int = 5
    breaker_window_s: float = 10.0
    breaker_open_s: float = 5.0
    shadow_rows: int = 10_000
    shadow_drain_s: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a limit that would refuse everything."""
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise SettingError(
                    f"the gateway limit '{field.name}' is {getattr(self, field.name)}",
                    remedy="Give a number greater than 0.",
                    field=field.name,
                )


@dataclass(frozen=True, slots=True)
class Form:
    """How a caller wants the answer: which outputs (empty = all), and which of them as bytes instead of JSON."""

    outputs: tuple[str, ...] = ()
    binary: frozenset[str] = frozenset()


@dataclass(slots=True)
class Marks:
    """When a request passed which point, `time.perf_counter()` seconds; 0 = it did not.

    Written by the request path as it goes, by whoever has the request in hand then.
    """

    arrived: float
    resolved: float = 0.0
    admitted: float = 0.0
    predicting: float = 0.0
    predicted: float = 0.0
    recorded: float = 0.0

    def through(self, predicting: float, predicted: float, recorded: float) -> None:
        """It was predicted and recorded, with others perhaps."""
        self.predicting, self.predicted, self.recorded = predicting, predicted, recorded


@dataclass(frozen=True, slots=True)
class Rows:
    """One admitted request: typed columns of shape (n_rows,), and who each row is about.

    Attributes:
        columns: name -> array; int64 / float64 / bool / object of str, missing = NaN or None.
        unit_ids: whom each row is about; assignment to arms is sticky per unit.
        request_ids: the caller's own id of each row; outcomes are reported under it.
        named: whether the caller gave those ids (else they were drawn for this request).
        id: the caller's id of the whole request, echoed.
        version: the version the caller insists on, empty = let the deployment choose.
        arrived: `time.perf_counter()` at arrival, seconds.
        form: how the caller wants the answer.
        trace: the caller's W3C trace id, empty = none.
        within_s: seconds in which the caller wants the answer, None = as long as the gateway lets it wait.
        marks: where it is noted when the rows passed which point, None = nobody looks on.
    """

    columns: Mapping[str, Array]
    unit_ids: tuple[str, ...]
    request_ids: tuple[str, ...]
    named: bool
    id: str
    version: str
    arrived: float
    form: Form = Form()
    trace: str = ""
    marks: Marks | None = None
    within_s: float | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.unit_ids)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request body as it came.

    Attributes:
        body: its bytes.
        version: the version the caller insists on, empty = none.
        declared: the header that says how long the JSON part is, empty = all of it.
        size: bytes that are to be read, when `body` is not them (a message).
        trace: the caller's W3C trace id, empty = none.
        marks: where it is noted when the request passed which point, None = nobody looks on.
        caller: `headers` and `client` as an ASGI scope has them; None = code in this process.
    """

    body: bytes
    version: str = ""
    declared: bytes = b""
    size: int = 0
    trace: str = ""
    marks: Marks | None = None
    caller: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets, row by row; every tuple has shape (n_rows,).

    A held-out row has no score. `fallback` marks rows whose own arm failed and which the champion answered.
    """

    id: str
    endpoint: str
    deployment: str
    revision: int
    request_ids: tuple[str, ...]
    scores: tuple[float | None, ...]
    acted: tuple[bool, ...]
    arms: tuple[str, ...]
    versions: tuple[str, ...]
    fallback: tuple[bool, ...]
