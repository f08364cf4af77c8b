"""The workshop: scanning, admitting, loading and training models, through the runtimes that ship."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # ships no types

from roadworthy.adapters.benches.apart import run_apart
from roadworthy.adapters.runtimes import RUNTIMES, OnnxRuntime
from roadworthy.adapters.runtimes.folders import Opened, open_folder, scan_folder
from roadworthy.adapters.runtimes.pickles.conversion import convert_pickle
from roadworthy.adapters.runtimes.scan import scan
from roadworthy.adapters.training.runner import train
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.domain.gate import Limits
from roadworthy.domain.model import ArtifactFormat, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Scan
from roadworthy.domain.storing.folder import Artifact, Folder


class SingleThreaded:
    """A predictor that keeps to one thread per call.

    The gateway's threads share the cores already. A model that also spreads every small batch over all of them
    spends its time waiting for itself: measured on two busy cores, one row took 330 ms instead of 15 ms.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._pools = ThreadpoolController()

    def predict(self, columns: Columns) -> Any:
        """Scores, as the predictor gives them."""
        with self._pools.limit(limits=1):
            return self._predictor.predict(columns)


@dataclass(frozen=True, slots=True)
class LocalWorkshop:
    """Implements `ports.Workshop` on this machine.

    With `apart`, a model that nobody has judged yet is tried in a process of its own, within these limits.
    """

    apart: Limits | None = None

    def scan(self, artifact: Artifact) -> Scan:
        """What the bytes, or all files of a folder, are; loads nothing."""
        return scan_folder(artifact) if isinstance(artifact, Folder) else scan(artifact)

    def admit(self, artifact: Artifact, signature: Signature, sample: Columns) -> tuple[Artifact, ArtifactFormat]:
        """It admitted: unchanged, or a pickle converted to one skops file with its scores compared.

        Of a folder whose model is a pickle, that skops file is the artifact: nothing else of it would be loaded.
        """
        found = self.scan(artifact)
        if found.format == ArtifactFormat.PICKLE.value:
            pickled = open_folder(artifact).model if isinstance(artifact, Folder) else artifact
            return convert_pickle(pickled, signature, sample), ArtifactFormat.SKOPS
        if not found.admitted:
            formats = [runtime.format.value for runtime in RUNTIMES]
            raise ArtifactError(
                f"the artifact is refused: {found.reason}",
                remedy=f"Hand in {shortlist(formats)}, or a pickle of plain scikit-learn objects.",
                untrusted=list(found.untrusted),
            )
        return artifact, ArtifactFormat(found.format)

    def load(self, artifact: Artifact, artifact_format: ArtifactFormat, signature: Signature) -> Predictor:
        """A predictor of the runtime for this format."""
        opened = open_folder(artifact) if isinstance(artifact, Folder) else Opened("", artifact)
        for runtime in RUNTIMES:
            if runtime.format is artifact_format:
                loaded = runtime.load(opened.model, signature, opened.beside)
                # An ONNX session was told when it was made.
                return loaded if isinstance(runtime, OnnxRuntime) else SingleThreaded(loaded)
        raise ArtifactError(
            f"no runtime loads {artifact_format.value}",
            remedy=f"Admitted: {', '.join(r.format.value for r in RUNTIMES)}.",
        )

    def try_out(
        self, artifact: Artifact, artifact_format: ArtifactFormat, signature: Signature, sample: Columns
    ) -> None:
        """Have it score some rows."""
        call = partial(_score, artifact, artifact_format, signature, sample)
        if self.apart is None:
            call()
        else:
            run_apart(call, self.apart)

    def train(self, code: bytes, function: str, data: Columns, target: Any, seed: int) -> bytes:
        """An artifact trained in a process of its own."""
        return train(code, function, data, np.asarray(target), seed)


def _score(artifact: Artifact, artifact_format: ArtifactFormat, signature: Signature, sample: Columns) -> None:
    LocalWorkshop().load(artifact, artifact_format, signature).predict(sample)
