"""A version's own scores, and those of the same training run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from roadworthy.checks.material import Labelled, Score
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import ArtifactStore, Workshop
from roadworthy.statistics.frame import Floats, Frame


class Tools(Protocol):
    """Where bytes are and what reads models: a `House`, or what a process that judges checks has of one."""

    @property
    def artifacts(self) -> ArtifactStore:
        """The artifact store."""
        ...

    @property
    def workshop(self) -> Workshop:
        """What loads and trains."""
        ...


def scorer(house: Tools, version: ModelVersion) -> Score:
    """The version's own scores, from its verified bytes."""
    artifact = house.artifacts.fetch(version.artifact, version.files)
    predictor = house.workshop.load(artifact, version.format, version.signature)
    names = version.signature.names

    def score(frame: Frame) -> Floats:
        return np.asarray(predictor.predict(frame.select(names).columns), dtype=np.float64)

    return score


def retrainer(house: Tools, version: ModelVersion, train: Labelled) -> Callable[[int], Score]:
    """Re-runs the recorded training entry point on the recorded data with a seed."""
    digest, _, function = version.training.partition(":")
    inputs = train.frame.select(version.signature.names)

    def retrain(seed: int) -> Score:
        artifact = house.workshop.train(house.artifacts.get(digest), function, inputs.columns, train.y, seed)
        scan = house.workshop.scan(artifact)
        digest_again, kind = house.artifacts.put(artifact), type(version.format)(scan.format)
        again = replace(version, artifact=digest_again, files="", format=kind)
        return scorer(house, again)

    return retrain
