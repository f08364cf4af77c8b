"""The standing protections a deployment is signed with: what the version's playbook asks for, and the traffic profile.

The profile is made from the data set that the version's passed validation names, with the version's own decisions, and
drawn by that data set's digest: making it again gives the same bytes. Its digest is part of the signed terms.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.domain.gate import Gate, GateRun, Playbook
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.standing.protection import ProtectionTerms
from roadworthy.domain.use_case import UseCase
from roadworthy.monitoring.protection.detectors import build_profile
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.gates.playbooks import read_playbook
from roadworthy.services.gates.scoring import scorer
from roadworthy.services.house import House

ROWS = 20_000
"""Most rows of the data set a profile is made from; they are taken in its order, evenly."""


def protection_for(house: House, version_id: str, endpoint: str) -> ProtectionTerms | None:
    """The terms for a version on an endpoint, with their profile; None when nothing is to run.

    Raises:
        NotFoundError: no such version, or its data or playbook are gone.
        DataError: detectors are asked for, and its training data are too few to know honest traffic by.
    """
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(version_id)
        case = tx.of(UseCase).get(version.use_case)
        run = passed_validation(tx, version_id)
        dataset = tx.of(Dataset).get(run.inputs["train"]) if run else None
    if run is None or dataset is None:
        return None
    terms = playbook_of(house, run, case).protection_of(endpoint)
    if not terms.any:
        return None
    return replace(terms, profile=_profile(house, version, dataset, case)) if terms.detectors else terms


def passed_validation(tx: Transaction, version: str) -> GateRun | None:
    """The newest validation of a version that let it through."""
    runs = tx.of(GateRun).find(version=version, gate=Gate.VALIDATION, newest_first=True)
    return next((r for r in runs if r.verdict is not None and r.verdict.lets_through), None)


def playbook_of(house: House, run: GateRun, case: UseCase) -> Playbook:
    """The playbook a gate run was judged by."""
    return read_playbook(house.artifacts.get(run.playbook), case.risk_tier)


def _profile(house: House, version: ModelVersion, dataset: Dataset, case: UseCase) -> str:
    """The digest of the traffic profile, which is kept in the artifact store."""
    frame, _ = load_dataset(house, dataset, case)
    inputs = frame.select(version.signature.names)
    if inputs.n_rows > ROWS:
        inputs = inputs.take(np.linspace(0, inputs.n_rows - 1, ROWS).astype(np.int64))
    acted = scorer(house, version)(inputs) >= version.threshold
    try:
        profile = build_profile(inputs, acted, np.random.default_rng(int(dataset.digest[:16], 16)))
    except DataError as few:
        raise DataError(
            f"{version.id} cannot be watched for misuse: {few.what}",
            remedy="Name no detectors under `protection` in the playbook, and say why; or train on more rows.",
            version=version.id,
        ) from few
    return house.artifacts.put(profile.to_json())
