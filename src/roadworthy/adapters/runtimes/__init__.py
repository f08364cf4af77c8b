"""Runtimes: artifacts of one format become predictors, or are refused with the reason.

Lives here: one `*_runtime.py` per admitted format (boosted trees in `boosted/`, PyTorch in `exported/`, documents that
people write in `documents/`, several versions as one in `composed/`), what they share (`estimator.py`, `scores.py`,
`trust.py`, `trees.py`, `optional.py`), `scan.py` (facts about bytes), in `pickles/` the conversion of pickles, which
are never loaded in this process, and `handed_in.py`, which saves a model held in Python. Does not: batching, routing,
storage. To add a format, copy `onnx_runtime.py` and name it in `SINGLE`; it must pass
`tests/conformance/test_runtimes.py`.
"""

from roadworthy.adapters.runtimes.boosted.lightgbm_runtime import LightgbmRuntime
from roadworthy.adapters.runtimes.boosted.xgboost_runtime import XgboostRuntime
from roadworthy.adapters.runtimes.composed.composed_runtime import ComposedRuntime
from roadworthy.adapters.runtimes.documents.rules_runtime import RulesRuntime
from roadworthy.adapters.runtimes.exported.torch_runtime import TorchRuntime
from roadworthy.adapters.runtimes.onnx_runtime import OnnxRuntime
from roadworthy.adapters.runtimes.skops_runtime import SkopsRuntime
from roadworthy.domain.ports import Runtime

SINGLE: tuple[Runtime, ...] = (
    SkopsRuntime(),
    OnnxRuntime(),
    XgboostRuntime(),
    LightgbmRuntime(),
    TorchRuntime(),
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
    "TorchRuntime",
    "XgboostRuntime",
]
