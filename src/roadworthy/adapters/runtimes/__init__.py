"""Runtimes: artifacts of one format become predictors, or are refused with the reason.

Lives here: one `*_runtime.py` per admitted format (those of boosted trees in `boosted/`, of documents
people write in `documents/`, of several versions as one in `composed/`), what they share
(`estimator.py`, `scores.py`, `trust.py`, `trees.py`, `optional.py`), `scan.py` (facts about bytes), and in `pickles/`
the conversion of pickles, which are never loaded in this process; `handed_in.py` saves a model held in Python.
Does not: batching, routing, storage. To add a format, copy `onnx_runtime.py` and name it in `RUNTIMES`; it must pass
`tests/conformance/test_runtimes.py`.
"""

from roadworthy.adapters.runtimes.boosted.lightgbm_runtime import LightgbmRuntime
from roadworthy.adapters.runtimes.boosted.xgboost_runtime import XgboostRuntime
from roadworthy.adapters.runtimes.composed.composed_runtime import ComposedRuntime
from roadworthy.adapters.runtimes.documents.rules_runtime import RulesRuntime
from roadworthy.adapters.runtimes.onnx_runtime import OnnxRuntime
from roadworthy.adapters.runtimes.skops_runtime import SkopsRuntime
from roadworthy.domain.ports import Runtime

SINGLE: tuple[Runtime, ...] = (
    SkopsRuntime(),
    OnnxRuntime(),
    XgboostRuntime(),
    LightgbmRuntime(),
    RulesRuntime(),
)
"""Runtimes of formats that are one model, one per admitted format."""

RUNTIMES: tuple[Runtime, ...] = (*SINGLE, ComposedRuntime(SINGLE))
"""Every runtime, one per admitted format."""

__all__ = [
    "RUNTIMES",
    "SINGLE",
    "ComposedRuntime",
    "LightgbmRuntime",
    "OnnxRuntime",
    "RulesRuntime",
    "SkopsRuntime",
    "XgboostRuntime",
]
