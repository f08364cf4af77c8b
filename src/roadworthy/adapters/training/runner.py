"""Starts a training entry point in a child process and brings back the artifact it made."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.domain.errors import ModelRaisedError
from roadworthy.domain.ports import Columns

LIMIT_S = 600.0
"""Longest a training may take, in seconds."""

KEPT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT")
"""What the child is told of this process's environment; all else may be a secret."""


def train(code: bytes, function: str, data: Columns, target: Any, seed: int, limit_s: float = LIMIT_S) -> bytes:
    """Run `function` of the Python source `code` as `function(columns, y, seed)`; returns skops bytes.

    The child sees a fresh folder and one seed for every library, none of this process's secrets, and, where the system
    can take it away (see `confine.py`), no other files; it is ended when it takes longer than `limit_s`.

    Raises:
        ModelRaisedError: the training failed, or returned no estimator; carries the end of what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="roadworthy-train-") as folder:
        place = Path(folder)
        (place / "training.py").write_bytes(code)
        arrays: dict[str, Any] = {f"column:{name}": np.asarray(column) for name, column in data.items()}
        np.savez(place / "data.npz", allow_pickle=True, target=np.asarray(target), **arrays)
        command = [sys.executable, "-m", "roadworthy.adapters.training.child", folder, function, str(seed)]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
                command, cwd=folder, env=environment(folder, seed), stdin=subprocess.DEVNULL, capture_output=True,
                timeout=limit_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as problem:
            raise ModelRaisedError(
                f"training '{function}' took longer than {limit_s:g} s",
                remedy="Make it faster, or waive reproducibility by name in the playbook.",
            ) from problem
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise ModelRaisedError(
                f"training '{function}' failed: {(said[-1] if said else 'it ended without a word')[:300]}",
                remedy="It is called as function(columns, y, seed) and returns a fitted scikit-learn estimator.",
            )
        return (place / "model.skops").read_bytes()


def environment(folder: str, seed: int) -> dict[str, str]:
    """What the child finds in its environment: where Python is, its own folder as home, one seed, one thread."""
    told = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("LC_")}
    # One thread: the same sums in the same order, whatever the machine.
    return told | {
        "HOME": folder,
        "PYTHONUSERBASE": site.getuserbase(),
        "TMPDIR": folder,
        "PYTHONHASHSEED": str(seed % 2**32),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
