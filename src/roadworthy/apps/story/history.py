"""The campaign's history: the real calls of 2008-2010 where they are at hand, else a simulated lender's.

Real: Moro, Cortez & Rita (2014), "A data-driven approach to predict the success of bank telemarketing", Decision
Support Systems 62; UCI Bank Marketing, CC BY 4.0. The simulated lender has the same columns, months and turning
points (its inputs move with the 2008 crisis, conversion rises, what once told customers apart stops doing so), is
drawn from a seed, and is labelled as simulated wherever it is shown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from roadworthy.domain.errors import DataError
from roadworthy.services.catalog.tables import read_table
from roadworthy.statistics.frame import Array, Frame

FILE = "bank_additional.parquet"
"""The file looked for in `$ROADWORTHY_DATA` and `../shared/data`."""

TARGET, POSITIVE, TIME = "y", "yes", "month_start"
LEAKING = ("duration",)
"""Known only after the call."""

INPUTS = (
    "age", "job", "marital", "education", "default", "housing", "loan", "contact", "day_of_week", "campaign",
    "previous", "poutcome", "emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed",
)  # fmt: skip
"""What is known when the decision is made; `month` is left out, it only names the season."""


@dataclass(frozen=True)
class History:
    """All calls in time order. `simulated`: the lender is made up; `source`: where the rows came from."""

    frame: Frame
    months: Array
    simulated: bool
    source: str

    def rows(self, first: str, last: str) -> Array:
        """Indices of the calls from month `first` to month `last`, both included."""
        return np.flatnonzero((self.months >= np.datetime64(first)) & (self.months <= np.datetime64(last)))


def load_history(data: Path | None = None, environment: Mapping[str, str] | None = None) -> History:
    """The real history from `data`, `$ROADWORTHY_DATA` or `../shared/data`; else the simulated lender.

    Raises:
        DataError: `data` was named and cannot be used.
    """
    if data is not None:
        try:
            return _real(data)
        except OSError as problem:
            raise DataError(f"'{data}' cannot be read: {problem.strerror}", remedy="Check the path.") from problem
    folder = (os.environ if environment is None else environment).get("ROADWORTHY_DATA")
    for place in [Path(folder)] if folder else [Path("../shared/data")]:
        if (place / FILE).exists():
            return _real(place / FILE)
    return simulate()


def _real(path: Path) -> History:
    frame = read_table(path.read_bytes(), path.name)
    frame.require([*INPUTS, *LEAKING, "month", TARGET, TIME], f"'{path.name}'")
    return History(frame, frame[TIME].astype("datetime64[M]"), simulated=False, source=path.name)


_MONTHS: tuple[tuple[str, int, float, tuple[float, float, float, float, float]], ...] = (
    # Each row is a month: its calls, its conversion, then the five indicators in the order of `_MACRO`.
    ("2008-05", 7763, 0.031, (1.1, 93.994, -36.4, 4.86, 5191.0)),
    ("2008-06", 4374, 0.043, (1.4, 94.465, -41.8, 4.91, 5228.1)),
    ("2008-07", 6685, 0.061, (1.4, 93.918, -42.7, 4.96, 5228.1)),
    ("2008-08", 5242, 0.055, (1.4, 93.444, -36.1, 4.96, 5228.1)),
    ("2008-11", 3626, 0.053, (-0.1, 93.200, -42.0, 4.20, 5195.8)),
    ("2009-03", 282, 0.447, (-1.8, 92.843, -50.0, 1.60, 5099.1)),
    ("2009-04", 2458, 0.180, (-1.8, 93.075, -47.1, 1.42, 5099.1)),
    ("2009-05", 5794, 0.090, (-1.8, 92.893, -46.2, 1.29, 5099.1)),
    ("2009-06", 715, 0.369, (-2.9, 92.963, -40.8, 1.20, 5076.2)),
    ("2009-07", 178, 0.371, (-2.9, 93.444, -33.6, 0.98, 5076.2)),
    ("2009-08", 770, 0.343, (-2.9, 92.201, -31.4, 0.85, 5076.2)),
    ("2009-09", 267, 0.397, (-3.4, 92.379, -29.8, 0.78, 5017.5)),
    ("2009-10", 447, 0.403, (-3.4, 92.431, -26.9, 0.74, 5017.5)),
    ("2009-11", 357, 0.471, (-3.4, 92.649, -30.1, 0.72, 5017.5)),
    ("2009-12", 172, 0.512, (-3.0, 92.713, -33.0, 0.71, 5023.5)),
    ("2010-03", 264, 0.568, (-1.8, 92.843, -34.6, 0.64, 5008.7)),
    ("2010-04", 174, 0.557, (-1.8, 93.369, -34.8, 0.65, 5008.7)),
    ("2010-05", 212, 0.575, (-1.8, 93.876, -40.0, 0.68, 5008.7)),
    ("2010-06", 229, 0.467, (-1.7, 94.055, -39.8, 0.74, 4991.6)),
    ("2010-07", 311, 0.566, (-1.7, 94.215, -40.3, 0.83, 4991.6)),
    ("2010-08", 233, 0.515, (-1.7, 94.027, -38.3, 0.89, 4991.6)),
    ("2010-09", 303, 0.495, (-1.1, 94.199, -37.5, 0.88, 4963.6)),
    ("2010-10", 204, 0.456, (-1.1, 94.601, -49.5, 1.00, 4963.6)),
    ("2010-11", 128, 0.453, (-1.1, 94.767, -50.8, 1.04, 4963.6)),
)
_TURN = np.datetime64("2008-11")
_MACRO = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
_CHOICES: dict[str, tuple[str, ...]] = {
    "job": ("admin.", "blue-collar", "management", "retired", "services", "student", "technician"),
    "marital": ("divorced", "married", "single"),
    "education": ("basic.9y", "high.school", "professional.course", "university.degree"),
    "default": ("no", "unknown"),
    "housing": ("no", "yes"),
    "loan": ("no", "yes"),
    "day_of_week": ("fri", "mon", "thu", "tue", "wed"),
}


def simulate(seed: int = 2008) -> History:
    """A lender of the same shape as the real one, the same for the same seed."""
    rng = np.random.default_rng(seed)
    parts = [_month(rng, *row) for row in _MONTHS]
    columns: dict[str, Array] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    frame = Frame(columns)
    return History(
        frame, frame[TIME].astype("datetime64[M]"), simulated=True, source=f"simulated lender, seed {seed}"
    )


def _month(rng: Generator, month: str, n: int, rate: float, macro: tuple[float, ...]) -> dict[str, Array]:
    start = np.datetime64(month)
    before = bool(start < _TURN)
    part: dict[str, Array] = {"age": rng.normal(40 if before else 43, 10, n).clip(18, 90).astype(np.int64)}
    part |= {name: _pick(rng, values, n) for name, values in _CHOICES.items()}
    part["contact"] = _pick(rng, ("cellular", "telephone"), n, (0.45, 0.55) if before else (0.85, 0.15))
    part["month"] = np.full(n, start.astype(object).strftime("%b").lower(), dtype=object)
    part["campaign"] = rng.geometric(0.4, n).clip(1, 20).astype(np.int64)
    called = rng.random(n) < (0.02 if before else 0.25)
    part["pdays"] = np.where(called, rng.integers(1, 20, n), 999)
    part["previous"] = called.astype(np.int64)
    outcome = np.where(called, np.where(rng.random(n) < 0.6, "success", "failure"), "nonexistent")
    part["poutcome"] = outcome.astype(object)
    for name, value in zip(_MACRO, macro, strict=True):
        part[name] = np.full(n, value) + (rng.normal(0, 0.03, n).round(3) if name == "euribor3m" else 0.0)
    bought = _bought(rng, part, rate, before)
    part["duration"] = np.where(bought, rng.gamma(4, 140, n), rng.gamma(2, 110, n)).astype(np.int64)
    part[TARGET] = np.where(bought, "yes", "no").astype(object)
    part[TIME] = np.full(n, start, dtype="datetime64[us]")
    return part


def _pick(rng: Generator, values: tuple[str, ...], n: int, weights: Any = None) -> Array:
    return rng.choice(np.array(values, dtype=object), n, p=weights)


def _bought(rng: Generator, part: dict[str, Array], rate: float, before: bool) -> Array:
    """Before the crisis age, line and job tell buyers apart; after it only the last campaign's result does."""
    if before:
        age, line = np.abs(part["age"] - 42.0), part["contact"] == "cellular"
        taste = 1.5 * line + 0.09 * age + 0.9 * (part["job"] == "retired")
    else:
        taste = 1.6 * (part["poutcome"] == "success") + 0.8 * (part["education"] == "university.degree")
    low, high = -12.0, 12.0
    for _ in range(60):  # bisection for the intercept that gives this month's conversion
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(taste + middle)))).mean() < rate else (low, middle)
    return np.asarray(rng.random(len(taste)) < 1 / (1 + np.exp(-(taste + low))))
