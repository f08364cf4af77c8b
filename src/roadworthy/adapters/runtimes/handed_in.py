"""A fitted model as the reader holds it in Python, as bytes of the format its own library writes.

Which library a model belongs to is told by the names of its classes: nothing is imported to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from roadworthy.adapters.runtimes.boosted.lightgbm_runtime import save_lightgbm
from roadworthy.adapters.runtimes.boosted.xgboost_runtime import save_xgboost
from roadworthy.adapters.runtimes.exported.torch_runtime import save_torch
from roadworthy.adapters.runtimes.skops_runtime import save_skops

_SAVES: Mapping[str, Callable[[Any], bytes]] = {
    "xgboost": save_xgboost,
    "lightgbm": save_lightgbm,
    "torch": save_torch,
}
"""Library -> how a model of one of its classes is saved; everything else is taken for scikit-learn's."""


def saved(model: Any) -> bytes:
    """The model's bytes in an admitted format.

    Raises:
        ArtifactError: it cannot be served, or not be saved in a format that is admitted.
    """
    libraries = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    for library, save in _SAVES.items():
        if library in libraries:
            return save(model)
    return save_skops(model)
