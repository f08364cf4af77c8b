"""Folders as models: which file is loaded, what may lie beside it, and what is refused by its name."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import numpy as np
import pytest
from folder_models import FOLDER_INPUTS, MLMODEL, WEIGHTS, fitted, mlflow_folder, onnx_with_weights_beside

from roadworthy.adapters.runtimes.folders import open_folder, scan_folder
from roadworthy.adapters.runtimes.onnx_runtime import OnnxRuntime, beside_of
from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DType, Signature
from roadworthy.domain.storing.folder import Folder

SIGNATURE = Signature(tuple(ColumnSpec(n, DType.INT64) for n in FOLDER_INPUTS))
ROWS = np.array([[30, 2], [70, 6]], dtype=np.int64)
COLUMNS = {n: ROWS[:, i] for i, n in enumerate(FOLDER_INPUTS)}


def pickled() -> bytes:
    stored = io.BytesIO()
    joblib.dump(fitted(), stored)
    return stored.getvalue()


def with_files(**files: bytes) -> Folder:
    return Folder({**mlflow_folder().files, **{name.replace("__", "."): data for name, data in files.items()}})


def without(name: str) -> Folder:
    return Folder({n: d for n, d in mlflow_folder().files.items() if n != name})


def test_an_mlflow_folder_with_weights_beside_the_model_is_admitted_and_scores_as_the_model_it_was_made_of() -> (
    None
):
    workshop, folder = LocalWorkshop(), mlflow_folder()
    admitted, kind = workshop.admit(folder, SIGNATURE, COLUMNS)
    assert (admitted, kind) == (folder, ArtifactFormat.ONNX)
    scores = workshop.load(admitted, kind, SIGNATURE).predict(COLUMNS)
    np.testing.assert_allclose(scores, fitted().predict_proba(ROWS.astype(float))[:, 1], atol=1e-6)


def test_the_scan_looks_into_every_file_and_says_where_the_weights_are() -> None:
    found = scan_folder(mlflow_folder())
    assert (found.format, found.admitted, found.untrusted) == ("onnx", True, ())
    assert WEIGHTS in found.reason
    assert "5 files were looked into" in found.reason


@pytest.mark.parametrize(
    "beside",
    [
        {"evil__pkl": pickled()},
        {"code__py": b"import os"},
        {"notes__txt": pickled()},
        {"notes__txt": b"PK\x03\x04rest"},
        {"lib__so": b"\x7fELF"},
        {"other__data": b"\x00\x01"},
    ],
    ids=["pickle", "code", "pickle called text", "zip called text", "library", "weights nobody refers to"],
)
def test_what_is_neither_model_nor_weights_nor_text_is_refused_by_name(beside: dict[str, bytes]) -> None:
    found = scan_folder(with_files(**beside))
    (name,) = (n.replace("__", ".") for n in beside)
    assert not found.admitted
    assert name in found.untrusted
    with pytest.raises(ArtifactError, match=name):
        LocalWorkshop().admit(with_files(**beside), SIGNATURE, COLUMNS)


def test_a_model_whose_weights_are_not_in_the_folder_is_refused_and_not_looked_for_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, weights = onnx_with_weights_beside()
    (tmp_path / WEIGHTS).write_bytes(weights)
    monkeypatch.chdir(tmp_path)
    found = scan_folder(without(WEIGHTS))
    assert not found.admitted
    assert f"keeps weights in '{WEIGHTS}'" in found.reason
    with pytest.raises(ArtifactError, match="keeps weights in another file"):
        OnnxRuntime().open(model)


@pytest.mark.parametrize("leads", [b"../../../passwd1", b"/etc/passwd-----"])
def test_weights_outside_the_folder_are_refused(leads: bytes) -> None:
    model, _ = onnx_with_weights_beside("w" * len(leads))
    spoiled = model.replace(b"w" * len(leads), leads)
    assert beside_of(spoiled) == (leads.decode(),)
    with pytest.raises(ArtifactError, match="is no file of the folder"):
        open_folder(Folder({"model.onnx": spoiled, "w.data": b""}))


def test_a_reference_in_an_odd_form_is_refused() -> None:
    model, _ = onnx_with_weights_beside()
    with pytest.raises(ArtifactError, match="in a form that is not read here"):
        beside_of(model.replace(b"\x0a\x08location\x12", b"\x0a\x08location\x1a"))


def test_an_mlflow_folder_with_a_pickled_estimator_becomes_one_skops_file() -> None:
    said = b"flavors:\n  sklearn:\n    pickled_model: model.pkl\n"
    folder = Folder({"MLmodel": said, "model.pkl": pickled(), "python_env.yaml": b"python: 3.11\n"})
    assert not scan_folder(folder).admitted
    admitted, kind = LocalWorkshop().admit(folder, SIGNATURE, COLUMNS)
    assert (type(admitted), kind) == (bytes, ArtifactFormat.SKOPS)


def test_the_only_model_file_is_the_model_where_no_mlmodel_names_one() -> None:
    folder = Folder({"export/model.skops": save_skops(fitted()), "README.md": b"how it was made"})
    assert open_folder(folder).name == "export/model.skops"
    assert scan_folder(folder).admitted


@pytest.mark.parametrize("files", [{"a.onnx": b"", "b.skops": b""}, {"README.md": b""}])
def test_none_or_several_model_files_are_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(ArtifactError, match=r"holds [02] model files"):
        open_folder(Folder(files))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"flavors: [", "names no flavors"),
        (b"- 1", "names no flavors"),
        (b"flavors: {catboost: {data: m.cbm}}", "has the flavors catboost"),
        (b"flavors: {onnx: {data: other.onnx}}", r"'other\.onnx', which is no file"),
        (b"flavors: {onnx: {data: /etc/passwd}}", r"'/etc/passwd', which is no file"),
        (b"!!python/object/apply:os.system ['true']", "names no flavors"),
        (b"\xff\xfe\x00", "names no flavors"),
    ],
)
def test_an_mlmodel_that_names_no_model_of_the_folder_is_refused(said: bytes, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        open_folder(Folder({**mlflow_folder().files, "MLmodel": said}))
    assert MLMODEL
