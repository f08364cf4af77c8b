"""Trying everything on this side before anything is recorded, with the platform's own functions.

The short form of `register` makes several records. A mistake in the last of them must not leave the first behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import SettingError
from roadworthy.domain.use_case import UseCase
from roadworthy.sdk.handing_over import artifact_of, table_bytes
from roadworthy.services.catalog.signatures import infer
from roadworthy.services.catalog.tables import read_table, refuse_other_shape, split_target
from roadworthy.services.catalog.use_cases import check_name
from roadworthy.services.catalog.versions import SAMPLE_ROWS, default_inputs
from roadworthy.statistics.frame import Floats, Frame


def read_file(path: Path) -> Frame:
    """A CSV or Parquet file as a table.

    Raises:
        DataError: it cannot be read, or is not what its name says.
    """
    data, name = table_bytes(path)
    return read_table(data, name)


def try_data(frame: Frame, case: UseCase, name: str) -> Floats:
    """The outcome of a table that may be trained or judged on, shape (n_rows,).

    Raises:
        DataError: no target, missing targets, too few rows, or one class only.
    """
    return split_target(frame, case, name)[1]


def try_pair(train: Frame, sealed: Frame, case: UseCase, name: str) -> None:
    """Refuse sealed rows that could not be judged on, or differ in shape from those trained on."""
    split_target(train, case, f"{name} (training part)")
    split_target(sealed, case, f"{name} (sealed part)")
    refuse_other_shape(sealed, train, f"{name} (sealed part)")


def try_model(model: Path, train: Frame, case: UseCase, name: str, threshold: float, inputs: Sequence[str]) -> None:
    """Refuse a model that registering would refuse.

    Raises:
        ArtifactError: the bytes are no admitted model.
        ModelError: the model raises, or answers NaN or the wrong shape on its own training rows.
        SettingError: a name or a threshold outside its range.
    """
    check_name(name, "model")
    if not 0 <= threshold <= 1:
        raise SettingError(f"threshold is {threshold:g}", remedy="Allowed: 0 to 1.", field="threshold")
    columns = list(inputs) or list(default_inputs(case, train.names))
    train.require(columns, "the training data")
    signature = infer(train, columns)
    sample = next(train.select(columns).batches(SAMPLE_ROWS)).columns
    workshop = LocalWorkshop()
    artifact, kind = workshop.admit(artifact_of(model), signature, sample)
    workshop.try_out(artifact, kind, signature, sample)
