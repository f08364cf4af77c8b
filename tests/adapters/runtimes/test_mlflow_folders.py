"""Folders that MLflow itself writes: admitted when the model in them is, and scored as the library scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import mlflow.lightgbm
import mlflow.models
import mlflow.pytorch
import mlflow.xgboost
import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from xgboost import XGBClassifier

from roadworthy.adapters.artifacts.reading import read_folder
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import ArtifactError
from roadworthy.domain.model import ColumnSpec, DType, Signature

X, Y = make_classification(200, 3, n_informative=2, n_redundant=0, random_state=3)
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in "abc"))
COLUMNS = {n: X[:, i] for i, n in enumerate("abc")}


def xgboost_folder(place: str) -> Any:
    model = XGBClassifier(n_estimators=5, n_jobs=1).fit(X, Y)
    mlflow.xgboost.save_model(model, place, pip_requirements=[])
    return model.predict_proba(X)[:, 1]


def lightgbm_folder(place: str) -> Any:
    model = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1).fit(X, Y)
    mlflow.lightgbm.save_model(model.booster_, place, pip_requirements=[])
    return model.booster_.predict(X)


def pytorch_folder(place: str) -> Any:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Sigmoid()).eval()
    example = X[:4].astype(np.float32)
    signature = mlflow.models.infer_signature(example, model(torch.tensor(example)).detach().numpy())
    mlflow.pytorch.save_model(
        model, place, pip_requirements=[], serialization_format="pt2", input_example=example, signature=signature
    )
    with torch.inference_mode():
        return model(torch.tensor(X, dtype=torch.float32))[:, 0].numpy()


FOLDERS: dict[str, Callable[[str], Any]] = {
    "xgboost": xgboost_folder,
    "lightgbm": lightgbm_folder,
    "torch-export": pytorch_folder,
}


@pytest.mark.parametrize("form", FOLDERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_what_mlflow_saves_is_admitted_and_scores_as_its_library_does(form: str, tmp_path: Path) -> None:
    expected = FOLDERS[form](str(tmp_path / "model"))
    workshop = LocalWorkshop()
    admitted, kind = workshop.admit(read_folder(tmp_path / "model"), SIGNATURE, COLUMNS)
    assert kind.value == form
    scores = workshop.load(admitted, kind, SIGNATURE).predict(COLUMNS)
    np.testing.assert_allclose(scores, expected, atol=1e-7)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_model_that_mlflow_pickled_is_refused_naming_what_the_pickle_holds(tmp_path: Path) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X, Y)
    mlflow.lightgbm.save_model(model, str(tmp_path / "model"), pip_requirements=[])
    with pytest.raises(ArtifactError, match="lightgbm"):
        LocalWorkshop().admit(read_folder(tmp_path / "model"), SIGNATURE, COLUMNS)
