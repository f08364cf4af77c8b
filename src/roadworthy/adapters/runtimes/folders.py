"""Folders: which file is the model, what may lie beside it, and why a folder is refused.

A folder is never unpacked to disk and nothing in it but the model's own file is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

import yaml

from roadworthy.adapters.runtimes.composed.reading import scan_composition
from roadworthy.adapters.runtimes.onnx_runtime import beside_of
from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.domain.serving import Scan
from roadworthy.domain.storing.composition import DOCUMENT
from roadworthy.domain.storing.folder import Artifact, Folder

MLMODEL = "MLmodel"
"""What MLflow calls the file that says how a folder is read."""

FLAVORS = {
    "onnx": "data",
    "xgboost": "data",
    "lightgbm": "data",
    "pytorch": "model_data",
    "sklearn": "pickled_model",
}
"""MLflow's flavors that are read here, the one preferred first, and the field that names the model's file."""

EXPORTED = "model.pt2"
"""What MLflow calls an exported PyTorch program; its flavor names the folder around it."""

MODEL_ENDS = (".onnx", ".pt2", ".skops", ".ubj", ".xgb", ".lgb", ".pkl", ".pickle", ".joblib")
TEXT_ENDS = ("", ".txt", ".md", ".json", ".yaml", ".yml", ".toml", ".csv")
"""Notes and lists that nothing here reads, as long as they are text; code is not among them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The model's file in a folder, and the files it refers to, named as seen from it."""

    name: str
    model: bytes
    beside: dict[str, bytes] = field(default_factory=dict)


def open_folder(folder: Folder) -> Opened:
    """The model in a folder: a composition's document, what its `MLmodel` names, else its only model file.

    Raises:
        ArtifactError: there is none, or several, or `MLmodel` names none that is here; or the model refers to a file
            that is not in the folder.
    """
    if DOCUMENT in folder.files:
        rest = {name: data for name, data in folder.files.items() if name != DOCUMENT}
        return Opened(DOCUMENT, folder.files[DOCUMENT], rest)
    name = _named_by_mlflow(folder) if MLMODEL in folder.files else _only_model(folder)
    model, home = folder.files[name], PurePosixPath(name).parent
    wanted = beside_of(model) if detect(model) == "onnx" else ()
    beside: dict[str, bytes] = {}
    for other in wanted:
        data = folder.files.get(str(home / other))
        if data is None or ".." in PurePosixPath(other).parts:
            raise ArtifactError(
                f"'{name}' keeps weights in {other[:200]!r}, which is no file of the folder",
                remedy="Save model and weights into one folder, and hand in that folder.",
                file=name,
            )
        beside[other] = data
    return Opened(name, model, beside)


def scan_folder(folder: Folder) -> Scan:
    """What the release gate may know of a folder: of the model as of a single file, and of every file beside it.

    `untrusted` also names each file that is neither the model, nor its weights, nor plain text.
    """
    if DOCUMENT in folder.files:
        return scan_composition(folder, _scan_member)
    try:
        opened = open_folder(folder)
    except ArtifactError as error:
        return Scan("folder", admitted=False, untrusted=(), reason=error.what)
    found = scan(opened.model, opened.beside)
    home = PurePosixPath(opened.name).parent
    known = {opened.name, *(str(home / other) for other in opened.beside)}
    strange = [name for name, data in folder.files.items() if name not in known and not _is_note(name, data)]
    if strange:
        why = f"beside the model lies what is neither its weights nor text: {shortlist(strange)}"
        return Scan(found.format, admitted=False, untrusted=(*found.untrusted, *strange), reason=why)
    reason = f"'{opened.name}': {found.reason}; {len(folder.files)} files were looked into"
    return Scan(found.format, admitted=found.admitted, untrusted=found.untrusted, reason=reason)


def _scan_member(artifact: Artifact) -> Scan:
    return scan_folder(artifact) if isinstance(artifact, Folder) else scan(artifact)


def _is_note(name: str, data: bytes) -> bool:
    return PurePosixPath(name).suffix.lower() in TEXT_ENDS and detect(data) in ("text", "empty")


def _only_model(folder: Folder) -> str:
    found = [name for name in folder.files if PurePosixPath(name).suffix.lower() in MODEL_ENDS]
    if len(found) != 1:
        raise ArtifactError(
            f"the folder holds {len(found)} model files{f' ({shortlist(found)})' if found else ''}, expected is one",
            remedy=f"Hand in a folder with one {' or '.join(MODEL_ENDS)} file, or an MLflow model whose"
            f" {MLMODEL} names it; of several models, make one pipeline.",
        )
    return found[0]


def _named_by_mlflow(folder: Folder) -> str:
    try:
        said = yaml.safe_load(folder.files[MLMODEL])
        flavors = dict(said["flavors"])
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError, KeyError, ValueError) as error:
        raise ArtifactError(
            f"'{MLMODEL}' cannot be read: it names no flavors", remedy="Save the model with MLflow again."
        ) from error
    for flavor, key in FLAVORS.items():
        about = flavors.get(flavor)
        name = str(about.get(key, "")) if isinstance(about, dict) else ""
        if f"{name}/{EXPORTED}" in folder.files:
            return f"{name}/{EXPORTED}"
        if name in folder.files:
            return name
        if name:
            raise ArtifactError(
                f"'{MLMODEL}' names the {flavor} model {name[:200]!r}, which is no file of the folder",
                remedy="Hand in the whole folder that MLflow saved.",
            )
    raise ArtifactError(
        f"the MLflow model has the flavors {shortlist([str(f)[:40] for f in flavors])}",
        remedy=f"Read here are {', '.join(FLAVORS)}: log it with one of those.",
    )
