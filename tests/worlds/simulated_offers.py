"""Simulated customers, their files, and small real models trained on them."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
import offer_training
import pyarrow.parquet as papq

from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.statistics.frame import Floats, Frame

INPUTS = ("age", "balance", "visits", "channel")
CHANNELS = {"branch": -0.8, "phone": 0.0, "web": 0.9}


def simulate(rows: int, seed: int, *, shift: float = 0.0, rate: float = 0.0) -> tuple[Frame, Floats]:
    """Customers and whether they accepted (about a third); the true log-odds are linear in the inputs.

    `shift` ages the customers (standard deviations), `rate` raises everybody's log-odds.
    """
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(48 + 12 * shift, 12, rows), 18, 95).astype(np.int64)
    balance = rng.lognormal(7.0, 0.8, rows)
    visits = rng.poisson(4.0, rows).astype(np.int64)
    channel, gender = np.empty(rows, dtype=object), np.empty(rows, dtype=object)
    channel[:] = rng.choice(list(CHANNELS), rows).tolist()
    gender[:] = rng.choice(["f", "m"], rows).tolist()
    log_odds = (
        -0.9
        + rate
        + 0.06 * (age - 48)
        + 1.0 * (np.log(balance) - 7.0)
        + 0.4 * (visits - 4)
        + np.array([CHANNELS[c] for c in channel])
    )
    y = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)
    balance[rng.random(rows) < 0.02] = np.nan
    inputs = Frame({"age": age, "balance": balance, "visits": visits, "channel": channel, "gender": gender})
    return inputs, y


def table(rows: int, seed: int, **about: Any) -> Frame:
    """Simulated history with its target column `accepts` (yes / no)."""
    inputs, y = simulate(rows, seed, **about)
    target = np.empty(rows, dtype=object)
    target[:] = np.where(y == 1.0, "yes", "no").tolist()
    return inputs.with_column("accepts", target)


def parquet(frame: Frame) -> bytes:
    """A frame as the bytes of a Parquet file."""
    stored = io.BytesIO()
    papq.write_table(frame.to_arrow(), stored)
    return stored.getvalue()


def arrivals(rows: int, step_s: float = 60.0) -> Any:
    """When each request of a production sample arrived."""
    step = np.timedelta64(int(step_s * 1e6), "us")
    return np.datetime64("2026-02-01T00:00:00", "us") + np.arange(rows) * step


@lru_cache(maxsize=32)
def artifact(function: str = "logistic", seed: int = 0, rows: int = 900, inputs: tuple[str, ...] = INPUTS) -> bytes:
    """A small real model, trained on the training rows of the world (seed 1), as skops bytes."""
    frame, y = simulate(rows, 1)
    columns = {n: frame[n] for n in inputs}
    return save_skops(getattr(offer_training, function)(columns, y, seed))
