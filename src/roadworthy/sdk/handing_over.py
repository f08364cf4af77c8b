"""What is handed to the platform, as bytes: tables in any shape, models, files, and what a model was made with."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq

from roadworthy.adapters.artifacts.reading import read_folder
from roadworthy.adapters.runtimes.handed_in import saved
from roadworthy.domain.errors import DataError
from roadworthy.domain.storing.folder import Artifact, Folder
from roadworthy.statistics.frame import Frame

_MADE_WITH = (
    "numpy",
    "scipy",
    "scikit-learn",
    "skops",
    "onnxruntime",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
    "torch",
)
"""Libraries whose version is noted with a model, those that are installed."""


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


def artifact_of(model: Any) -> Artifact:
    """A model as it is handed in: a file's or folder's path, bytes, or a fitted model saved in its own format.

    Raises:
        ArtifactError: a folder that cannot be an artifact; names the file.
    """
    if isinstance(model, bytes | Folder):
        return model
    if isinstance(model, str | Path):
        return read_folder(Path(model)) if Path(model).is_dir() else read_bytes(Path(model))
    return saved(model)


def artifact_parts(artifact: Artifact) -> list[tuple[str, tuple[str, bytes]]]:
    """The artifact as parts of a form: one named `artifact`, or of a folder one per file, named as in it."""
    if isinstance(artifact, Folder):
        return [("artifact", (name, data)) for name, data in artifact.files.items()]
    return [("artifact", ("artifact", artifact))]


def version_form(model: Any, meta: dict[str, Any]) -> tuple[str, list[tuple[str, tuple[str, bytes]]]]:
    """A new version as the parts of a form: what is said of it, as JSON, and its files with the training code's."""
    artifact = artifact_of(model)
    files = artifact_parts(artifact)
    path, _, function = str(meta.get("training", "")).rpartition(":")
    if path:
        files.append(("training_code", ("training.py", read_bytes(Path(path)))))
    told = {key: value for key, value in meta.items() if key != "training"}
    return json.dumps(
        {**told, "folder": isinstance(artifact, Folder), **({"training": function} if path else {})}
    ), files


def environment() -> dict[str, str]:
    """The library versions a model was made with."""
    return {name: found for name in _MADE_WITH if (found := _installed(name))}


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises DataError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise DataError(
            f"'{path}' cannot be read: {problem.strerror}", remedy="Check the path.", file=str(path)
        ) from problem
