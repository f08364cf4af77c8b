"""Decisions and outcomes as tables: what the monitoring and value engines compute on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from roadworthy.domain.serving import Decision, DecisionStatus, Outcome
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.services.house import House
from roadworthy.statistics.frame import Bools, Frame


def decision_frame(decisions: Sequence[Decision], outcomes: Mapping[str, Outcome]) -> Frame:
    """One row per decision: its inputs, and score, acted, outcome (NaN while unknown), held_out."""
    inputs = Frame.from_rows([d.inputs for d in decisions])
    score = np.array([np.nan if d.score is None else d.score for d in decisions], dtype=np.float64)
    known = [outcomes.get(d.request_id) for d in decisions]
    return Frame(
        {
            **inputs.columns,
            "score": score,
            "acted": np.array([d.acted for d in decisions], dtype=np.bool_),
            "outcome": np.array([np.nan if o is None else o.value for o in known], dtype=np.float64),
            "held_out": np.array([d.status is DecisionStatus.HELD_OUT for d in decisions], dtype=np.bool_),
        }
    )


def due(house: House, case: UseCase, contract: KpiContract | None, decisions: Sequence[Decision]) -> Bools:
    """Which decisions are old enough to have an outcome, shape (n_rows,); a contract's own delay counts first."""
    agreed = contract.label_delay_days if contract is not None else None
    horizon = house.clock.now() - timedelta(days=case.label_delay_days if agreed is None else agreed)
    return np.array([d.at <= horizon for d in decisions], dtype=np.bool_)
