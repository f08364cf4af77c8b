"""Real tables, a model of each, and honest clients: rows nobody trained on, grouped as callers would send them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from roadworthy.statistics.frame import Bools, Floats, Frame


@dataclass(frozen=True)
class Table:
    """A data set: its file, target, the answer that counts as yes, what is left out, and what callers are split by."""

    name: str
    file: str
    target: str
    yes: object
    left_out: tuple[str, ...]
    segment: str


TABLES = (
    Table("bank", "bank_additional.parquet", "y", "yes", ("duration", "month_start"), "job"),
    Table("credit", "credit_default_tw.parquet", "Default", 1, ("ID",), "EDUCATION"),
)


@dataclass
class Victim:
    """A model with its threshold, the rows it was trained on, and rows of later callers, in the file's order."""

    table: Table
    model: Pipeline
    threshold: float
    train: Frame
    traffic: Frame

    def scores(self, frame: Frame) -> Floats:
        return self.model.predict_proba(_pandas(frame))[:, 1]

    def acts(self, frame: Frame) -> Bools:
        return self.scores(frame) >= self.threshold


def victim(table: Table, data: Path, *, in_time: bool) -> Victim:
    """Trained on half of the rows: every second one, or with `in_time` the first 60 %."""
    frame = Frame.from_arrow(pq.read_table(data / table.file))
    y = np.array([v == table.yes for v in frame[table.target].tolist()])
    inputs = frame.drop([table.target, *table.left_out])
    rng = np.random.default_rng(7)
    first = np.arange(frame.n_rows) < 0.6 * frame.n_rows if in_time else rng.random(frame.n_rows) < 0.5
    train = inputs.take(first)
    text = [n for n in inputs.names if not inputs.is_numeric(n)]
    code = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = Pipeline(
        [
            ("code", ColumnTransformer([("text", code, text)], remainder="passthrough")),
            ("trees", HistGradientBoostingClassifier(max_iter=60, random_state=0)),
        ]
    ).fit(_pandas(train), y[first])
    threshold = float(np.quantile(model.predict_proba(_pandas(train))[:, 1], 0.8))
    return Victim(table, model, threshold, train, inputs.take(~first))


def honest(victim: Victim, size: int, count: int, rng: np.random.Generator) -> Iterator[tuple[str, Frame]]:
    """Clients of `size` rows: drawn from all traffic, as it came in, of one segment, and alike in two columns."""
    traffic = victim.traffic
    for _ in range(count):
        yield "any rows", traffic.take(rng.choice(traffic.n_rows, size, replace=False))
    for start in rng.integers(0, traffic.n_rows - size, size=count):
        yield "rows in order", traffic.take(np.arange(start, start + size))
    segments = traffic[victim.table.segment].astype(str)
    large = [s for s in np.unique(segments) if (segments == s).sum() >= 2 * size]
    for i in range(count):
        mine = np.flatnonzero(segments == large[i % len(large)])
        yield "one segment", traffic.take(np.sort(rng.choice(mine, size, replace=False)))
    for _ in range(count):
        # Two columns at random, the values of one row: a narrower client than any the limits were made from.
        first, second = rng.choice(len(traffic.names), 2, replace=False)
        found = np.array([], dtype=np.int64)
        while len(found) < size:
            row = int(rng.integers(0, traffic.n_rows))
            found = np.flatnonzero(_like(traffic, first, row) & _like(traffic, second, row))
        yield "alike in two columns", traffic.take(np.sort(rng.choice(found, size, replace=False)))


def _like(traffic: Frame, column: int, row: int) -> Bools:
    """Rows with the row's category, or its number within a twentieth of the rows below and above."""
    name = traffic.names[column]
    if not traffic.is_numeric(name):
        return traffic[name] == traffic[name][row]
    ranks = np.argsort(np.argsort(traffic.floats(name), kind="stable"))
    return np.abs(ranks - ranks[row]) <= traffic.n_rows // 20


def _pandas(frame: Frame) -> pd.DataFrame:
    return pd.DataFrame(dict(frame.columns))
