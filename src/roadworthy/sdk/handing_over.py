"""What is handed to the platform, as bytes: tables in any shape, models, files, and what a model was made with."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq

from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.domain.errors import DataError
from roadworthy.statistics.frame import Frame


def table_bytes(source: Any, name: str = "") -> tuple[bytes, str]:
    """A table's bytes and file name, from a path or from anything that holds columns.

    Raises:
        DataError: neither a path nor a table.
    """
    if isinstance(source, str | Path):
        return read_bytes(Path(source)), name or Path(source).name
    table = source
    if isinstance(source, Frame):
        table = source.to_arrow()
    elif isinstance(source, Mapping):
        table = pa.table({k: pa.array(np.asarray(v).tolist()) for k, v in source.items()})
    elif hasattr(source, "__dataframe__") and not isinstance(source, pa.Table):
        table = pa.Table.from_pandas(source, preserve_index=False)
    if not isinstance(table, pa.Table):
        raise DataError(
            f"{type(source).__name__} is no table",
            remedy="Give a path, a pandas or Arrow table, or columns by name.",
        )
    stored = io.BytesIO()
    papq.write_table(table, stored)
    return stored.getvalue(), name or "table.parquet"


def artifact_bytes(model: Any) -> bytes:
    """The bytes of a model: of a path, as they are, or of a fitted estimator saved with skops."""
    if isinstance(model, bytes):
        return model
    if isinstance(model, str | Path):
        return read_bytes(Path(model))
    return save_skops(model)


def environment() -> dict[str, str]:
    """The library versions a model was made with."""
    names = ("numpy", "scipy", "scikit-learn", "skops", "onnxruntime")
    return {name: metadata.version(name) for name in names}


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises DataError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise DataError(
            f"'{path}' cannot be read: {problem.strerror}", remedy="Check the path.", file=str(path)
        ) from problem
