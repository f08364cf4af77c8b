"""The monitors of a review: what each asks, and the parameters of its detector."""

from __future__ import annotations

from dataclasses import fields
from types import ModuleType

from scripts.pages.markdown import attributes, code, page, prose, table

from roadworthy.domain.review import SignalKind
from roadworthy.monitoring import (
    agents,
    business_drift,
    cbpe,
    data_drift,
    data_quality,
    performance,
    serving_health,
)
from roadworthy.monitoring.protection import detectors, extraction, novelty, perturbation, signals
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.services.watch.monitors import MONITORS
from roadworthy.value import movement

_INTRO = """
`roadworthy review` asks all of these about one window of decisions. The reference is the sealed data the
version was validated on. Each answer is a signal with a verdict; what cannot be told is `inconclusive`, never
a pass, and 35 rows raise no alarm. A proven defect opens a work item. Where the numbers below are parameters
of the detectors in `src/roadworthy/monitoring/`, reviews use the defaults; they cannot be set per workspace
yet.
"""
_WHERE: dict[SignalKind, tuple[ModuleType, ...]] = {
    SignalKind.DATA_QUALITY: (data_quality,),
    SignalKind.DATA_DRIFT: (data_drift,),
    SignalKind.SCORE_DRIFT: (data_drift,),
    SignalKind.MATHEMATICAL_DRIFT: (performance, cbpe),
    SignalKind.BUSINESS_DRIFT: (business_drift,),
    SignalKind.VALUE: (movement,),
    SignalKind.SERVING: (serving_health, agents),
    SignalKind.LABEL_COVERAGE: (performance,),
    SignalKind.PROTECTION: (signals, detectors, extraction, novelty, perturbation),
}
"""Which modules answer which question; the page shows their docstrings."""


def monitors_page() -> str:
    """`reference/monitors.md`."""
    missing = set(MONITORS) ^ {kind.value for kind in _WHERE}
    if missing:
        raise SystemExit(f"scripts/pages/monitors.py does not say where these monitors are: {sorted(missing)}")
    modules = list(dict.fromkeys(m for found in _WHERE.values() for m in found))
    rows = [(code(kind.value), ", ".join(_link(m) for m in _WHERE[kind])) for kind in SignalKind]
    return page("Monitors", _INTRO, table(("monitor", "detector"), rows), *(_detector(m) for m in modules))


def _link(module: ModuleType) -> str:
    name = module.__name__.rpartition(".")[2]
    return f"[`{name}`](#{name})"


def _detector(module: ModuleType) -> str:
    parts = [f"## {module.__name__.rpartition('.')[2]}", prose(module.__doc__)]
    for name in (
        "detect",
        "measure",
        "signals",
        "failures",
        "heard_of",
        "coverage",
        "base_rate",
        "kpi_per_unit",
        "explain",
    ):
        function = getattr(module, name, None)
        if function is not None and function.__module__ == module.__name__:
            parts.append(f"**`{name}`.** {prose(function.__doc__).split('Args:')[0].split('Raises:')[0].strip()}")
    kinds = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, DetectorParams)]
    parts += [_parameters(k) for k in kinds if k.__module__ == module.__name__]
    return "\n\n".join(parts)


def _parameters(params: type[DetectorParams]) -> str:
    said = attributes(params.__doc__)
    rows = []
    for field in fields(params):
        low, high = params.RANGES[field.name]
        rows.append((code(field.name), said.get(field.name, ""), code(field.default), f"{low:g} to {high:g}"))
    return table(("parameter", "meaning", "default", "range"), rows)
