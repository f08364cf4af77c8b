"""Real windows that several tests look at; read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from roadworthy.monitoring.window import ReviewWindow
from roadworthy.statistics.frame import Bools, Floats, Frame

PERIODS = {
    "2008 end": ("2008-11", "2008-12"),
    "2009 H1": ("2009-01", "2009-06"),
    "2009 H2": ("2009-07", "2009-12"),
    "2010 H1": ("2010-01", "2010-06"),
    "2010 H2": ("2010-07", "2010-12"),
}


@dataclass(frozen=True)
class Bank:
    """Calls of the bank, a model of 2008-05..10 and its scores on all rows."""

    inputs: Frame
    y: Floats
    scores: Floats
    months: np.ndarray  # type: ignore[type-arg]

    def rows(self, period: str) -> Bools:
        first, last = PERIODS[period]
        return np.asarray((self.months >= first) & (self.months <= last))

    @property
    def reference(self) -> Bools:
        return np.asarray(self.months <= "2008-10")

    def window(self, where: np.ndarray, held_out_share: float = 0.1) -> ReviewWindow:  # type: ignore[type-arg]
        held_out = np.random.default_rng(0).random(len(self.y)) < held_out_share
        ref = self.reference
        return ReviewWindow(
            reference=self.inputs.take(ref),
            reference_scores=self.scores[ref],
            reference_y=self.y[ref],
            inputs=self.inputs.take(where),
            scores=self.scores[where],
            y=self.y[where],
            held_out=held_out[where],
        )


@pytest.fixture(scope="session")
def bank(data_dir: Path) -> Bank:
    table = pq.read_table(data_dir / "bank_additional.parquet")
    unknown = ["y", "duration", "month", "month_start"]
    data = table.to_pandas()
    months = data["month_start"].astype(str).str[:7].to_numpy().astype(str)
    y = (data["y"] == "yes").to_numpy().astype(np.float64)
    columns = data.drop(columns=unknown)
    text = [c for c in columns.columns if not pd.api.types.is_numeric_dtype(columns[c])]
    columns = columns.astype(dict.fromkeys(text, "category"))
    past = months <= "2008-10"
    model = HistGradientBoostingClassifier(random_state=0).fit(columns[past], y[past])
    return Bank(Frame.from_arrow(table.drop_columns(unknown)), y, model.predict_proba(columns)[:, 1], months)


@pytest.fixture(scope="session")
def elec2(data_dir: Path) -> Frame:
    return Frame.from_arrow(pq.read_table(data_dir / "elec2.parquet")).drop(["class"])


@pytest.fixture(scope="session")
def bike(data_dir: Path) -> Frame:
    return Frame.from_arrow(pq.read_table(data_dir / "bike_hour.parquet"))
