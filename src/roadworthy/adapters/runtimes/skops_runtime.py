"""scikit-learn models as skops files: a zip of JSON and arrays; loading one runs no code from it."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any

from roadworthy.adapters.runtimes.scores import stands_alone
from roadworthy.adapters.runtimes.trust import refusal
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.domain.model import ArtifactFormat, Signature
from roadworthy.domain.ports import Predictor

_TORCH_ARRAYS = "sklearn.externals.array_api_compat.torch"
MOST_UNPACKED_BYTES = 4 << 30
MOST_FILES = 200_000


class SkopsRuntime:
    """Loads skops files of two-class scikit-learn classifiers."""

    format = ArtifactFormat.SKOPS

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor; a skops file refers to nothing beside it.

        Raises:
            ArtifactError: files beside it, not a skops file, a type outside the allow-list, a tree that was tampered
                with, no `predict_proba`, or other columns than the signature's.
            MissingExtraError: the model wants pandas, and it is not installed.
        """
        stands_alone("a skops file", beside)
        estimator = load_skops(artifact)
        _own("estimator").check_estimator(estimator)
        predictor: Predictor = _own("estimator").EstimatorPredictor(estimator, signature.names)
        return predictor


def load_skops(artifact: bytes) -> Any:
    """The object in a skops file, its types admitted and its trees checked. Raises ArtifactError."""
    found = reported_types(artifact)
    refused = {name: why for name in found if (why := refusal(name))}
    if refused:
        name, why = next(iter(refused.items()))
        raise ArtifactError(
            f"the skops file holds types that are not admitted: {shortlist(list(refused))}; {name} is {why}",
            remedy="Use scikit-learn's own estimators and transformers, or convert the model to ONNX.",
            types=list(refused),
        )
    try:
        model = skops_io().loads(artifact, trusted=found)
    except Exception as error:
        raise _unreadable(error) from error
    _own("trees").check_trees(model)
    return model


def save_skops(estimator: Any) -> bytes:
    """A fitted two-class classifier as the bytes of a skops file that `SkopsRuntime` will load.

    Raises:
        ArtifactError: the estimator cannot be served, or holds types that skops cannot write or we do not admit.
    """
    _own("estimator").check_estimator(estimator)
    try:
        data = bytes(skops_io().dumps(estimator, compression=zipfile.ZIP_DEFLATED))
    except Exception as error:
        raise ArtifactError(
            f"skops cannot write the model: {_short(error)}",
            remedy="Use scikit-learn's own estimators and transformers, or convert the model to ONNX.",
        ) from error
    load_skops(data)
    return data


def reported_types(artifact: bytes) -> list[str]:
    """Type names in the file that skops does not trust by itself, sorted. Raises ArtifactError."""
    check_archive(artifact)
    try:
        return list(skops_io().get_untrusted_types(data=artifact))
    except Exception as error:
        raise _unreadable(error) from error


def check_archive(artifact: bytes) -> None:
    """Refuse what is no zip with a schema, and what would unpack to an unreasonable size. Raises ArtifactError."""
    try:
        with zipfile.ZipFile(io.BytesIO(artifact)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _unreadable(error) from error
    if "schema.json" not in {e.filename for e in entries}:
        raise ArtifactError(
            "the zip file has no schema.json", remedy="Save the model with roadworthy's save_skops."
        )
    unpacked = sum(e.file_size for e in entries)
    if unpacked > MOST_UNPACKED_BYTES or len(entries) > MOST_FILES:
        raise ArtifactError(
            f"the skops file unpacks to {unpacked} bytes in {len(entries)} files",
            remedy=f"At most {MOST_UNPACKED_BYTES} bytes in {MOST_FILES} files are read.",
        )


def skops_io() -> Any:
    """skops, imported with the first skops file: it brings all of scikit-learn, several times what ONNX needs.

    It also looks into every package of scikit-learn, of which one imports torch where that is installed: seconds and
    300 MB in every process, for arrays no skops file holds. That package is left out while it looks.
    """
    found = sys.modules.get("skops.io")
    if found is not None:
        return found
    known = sys.modules.setdefault(_TORCH_ARRAYS, ModuleType(_TORCH_ARRAYS))
    try:
        return import_module("skops.io")
    finally:
        if not hasattr(known, "__path__"):
            del sys.modules[_TORCH_ARRAYS]


def _own(name: str) -> Any:
    """A module beside this one that needs scikit-learn, imported when that is here anyway."""
    return import_module(f"roadworthy.adapters.runtimes.{name}")


def _unreadable(error: Exception) -> ArtifactError:
    return ArtifactError(
        f"this is not a skops file that can be read: {_short(error)}",
        remedy="Save the model with roadworthy's save_skops and the installed scikit-learn.",
    )


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
