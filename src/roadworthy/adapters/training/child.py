"""What runs inside the training process: load the code, call the function, save what it returns."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import numpy as np

from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.adapters.training.confine import confine


def main(folder: str, function: str, seed: int) -> None:
    """Train from `folder`/training.py on `folder`/data.npz; leaves `folder`/model.skops.

    Before any of the user's code runs, this process gives up what training does not need.
    """
    place = Path(folder)
    confine(place)
    spec = importlib.util.spec_from_file_location("training", place / "training.py")
    if spec is None or spec.loader is None:
        raise SystemExit("the training code cannot be read")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, function):
        raise SystemExit(f"the training code has no function '{function}'")
    # The file was written by our own parent process a moment ago; text columns are object arrays.
    with np.load(place / "data.npz", allow_pickle=True) as stored:
        columns = {name.partition(":")[2]: stored[name] for name in stored.files if name != "target"}
        target = stored["target"]
    random.seed(seed)
    np.random.seed(seed % 2**32)
    estimator = getattr(module, function)(columns, target, seed)
    (place / "model.skops").write_bytes(save_skops(estimator))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
