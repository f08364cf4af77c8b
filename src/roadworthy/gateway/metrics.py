"""Counters, gauges and histograms of one gateway, written out as Prometheus text (exposition format 0.0.4).

A registry is an object, not a global: two gateways in one process do not share numbers, and a test needs no reset.
Labels only ever hold names from verified documents, never a caller's text, so the number of series stays bounded.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence

Labels = tuple[str, ...]
LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROWS = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0)


class Series:
    """A metric: one number per combination of label values."""

    kind = "counter"

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name, self.text, self.labels = name, text, tuple(labels)
        self._values: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count up."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0.0) + by

    def value(self, *labels: str) -> float:
        """The number now; 0 before the first count."""
        return self._values.get(labels, 0.0)

    def lines(self) -> list[str]:
        """The metric as text lines."""
        with self._lock:
            values = dict(self._values)
        return [f"{self.name}{_labels(self.labels, key)} {_number(value)}" for key, value in sorted(values.items())]


class Gauge(Series):
    """A number that goes up and down."""

    kind = "gauge"

    def set(self, value: float, *labels: str) -> None:
        """Put the number."""
        with self._lock:
            self._values[labels] = float(value)


class Histogram(Series):
    """Counts per bucket; a bucket counts all observations up to its upper bound."""

    kind = "histogram"

    def __init__(self, name: str, text: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        super().__init__(name, text, labels)
        self._bounds = tuple(bounds)
        self._buckets: dict[Labels, list[int]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one observation."""
        with self._lock:
            buckets = self._buckets.setdefault(labels, [0] * (len(self._bounds) + 1))
            buckets[bisect_left(self._bounds, value)] += 1
            self._values[labels] = self._values.get(labels, 0.0) + value

    def observe_all(self, values: Sequence[float], *labels: str) -> None:
        """Count several observations at once."""
        with self._lock:
            buckets = self._buckets.setdefault(labels, [0] * (len(self._bounds) + 1))
            for value in values:
                buckets[bisect_left(self._bounds, value)] += 1
            self._values[labels] = self._values.get(labels, 0.0) + sum(values)

    def lines(self) -> list[str]:
        """The metric as text lines: cumulative buckets, sum, count."""
        with self._lock:
            snapshot = sorted((key, list(counts), self._values[key]) for key, counts in self._buckets.items())
        out: list[str] = []
        for key, counts, total in snapshot:
            seen = 0
            for bound, count in zip((*map("{:g}".format, self._bounds), "+Inf"), counts, strict=True):
                seen += count
                out.append(f"{self.name}_bucket{_labels((*self.labels, 'le'), (*key, bound))} {seen}")
            out.append(f"{self.name}_sum{_labels(self.labels, key)} {_number(total)}")
            out.append(f"{self.name}_count{_labels(self.labels, key)} {seen}")
        return out


class BesideMetrics:
    """What stands beside the answering of one gateway: guards, circuits, shadows."""

    def __init__(self) -> None:
        self.guarded = Series(
            "roadworthy_guarded_requests_total", "Requests a standing protection refused.", ("endpoint", "guard")
        )
        self.misuse = Series(
            "roadworthy_misuse_alarms_total",
            "Windows of a client's rows taken for misuse.",
            ("endpoint", "detector"),
        )
        self.unwatched = Series(
            "roadworthy_unwatched_rows_total", "Rows the detectors of misuse did not get to see.", ("endpoint",)
        )
        self.circuit = Gauge(
            "roadworthy_circuit",
            "0 closed, 1 open, 2 half open: whether a version is asked.",
            ("endpoint", "version"),
        )
        self.circuits_opened = Series(
            "roadworthy_circuits_opened_total", "Times a version was not asked any more.", ("endpoint", "version")
        )
        self.shadow_rows = Series(
            "roadworthy_shadow_rows_total", "Rows shadows have scored or failed on.", ("endpoint", "arm", "version")
        )
        self.shadow_dropped = Series(
            "roadworthy_shadow_dropped_rows_total",
            "Rows a shadow did not score: it was behind, the log refused, or the gateway ended.",
            ("endpoint", "arm", "reason"),
        )


class GatewayMetrics(BesideMetrics):
    """Everything one gateway counts, in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = Series(
            "roadworthy_requests_total", "Requests answered, by HTTP status.", ("endpoint", "status")
        )
        self.decisions = Series(
            "roadworthy_decisions_total", "Decisions on disk.", ("endpoint", "arm", "version", "status")
        )
        self.fallbacks = Series(
            "roadworthy_fallback_rows_total", "Rows the champion answered for a failed arm.", ("endpoint",)
        )
        self.unlicensed = Series(
            "roadworthy_unlicensed_requests_total",
            "Requests refused because no version in force is approved for a row; column empty: approvals ended.",
            ("endpoint", "version", "column"),
        )
        self.redirected = Series(
            "roadworthy_redirected_rows_total",
            "Rows another arm answered because the drawn one is not approved for them.",
            ("endpoint",),
        )
        self.replays = Series("roadworthy_replayed_rows_total", "Rows answered again from memory.", ("endpoint",))
        self.log_refusals = Series(
            "roadworthy_log_refusals_total", "Batches the decision log refused.", ("endpoint",)
        )
        self.reloads = Series("roadworthy_reloads_total", "Documents taken into force.", ("endpoint",))
        self.reloads_refused = Series(
            "roadworthy_reloads_refused_total", "Documents that did not verify or load.", ("endpoint", "code")
        )
        self.shed = Series(
            "roadworthy_shed_requests_total", "Requests refused because too many wait.", ("endpoint",)
        )
        self.degraded = Gauge("roadworthy_degraded", "1 while the newest document is refused.", ("endpoint",))
        self.waiting = Gauge("roadworthy_waiting_rows", "Rows waiting for a predict.", ("endpoint",))
        self.latency = Histogram(
            "roadworthy_request_seconds", "Arrival to answer, seconds.", LATENCY_S, ("endpoint",)
        )
        self.batch = Histogram("roadworthy_batch_rows", "Rows predicted together.", ROWS, ("endpoint",))

    def text(self) -> str:
        """All metrics as Prometheus text."""
        lines: list[str] = []
        for series in vars(self).values():
            lines += [f"# HELP {series.name} {series.text}", f"# TYPE {series.name} {series.kind}", *series.lines()]
        return "\n".join(lines) + "\n"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
