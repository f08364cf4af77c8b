"""Registering a model version: its bytes admitted, its signature inferred, its scores tried once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from roadworthy.domain.errors import SettingError
from roadworthy.domain.model import Dataset, DatasetRole, Member, ModelVersion, Signature
from roadworthy.domain.storing.folder import Artifact, Folder
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.catalog.sealed import refuse_sealed_as
from roadworthy.services.catalog.signatures import Limits, infer, limited
from roadworthy.services.catalog.use_cases import check_name
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.statistics.frame import Frame, column_of

SAMPLE_ROWS = 200
"""Rows of training data on which a new artifact must answer before it is recorded."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a data scientist hands in. `inputs` empty = every column known when the decision is made.

    `training` is `function` inside `training_code` (a Python file's bytes): called with (columns, y, seed), it
    returns a fitted scikit-learn estimator; it lets validation re-run the training.
    """

    use_case: str
    name: str
    artifact: Artifact
    train_dataset: str
    threshold: float
    inputs: tuple[str, ...] = ()
    developers: tuple[str, ...] = ()
    description: str = ""
    code_revision: str = ""
    parents: tuple[str, ...] = ()
    training: str = ""
    training_code: bytes = b""
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    members: tuple[Member, ...] = ()


def register_version(house: House, actor: Person, new: NewVersion) -> ModelVersion:
    """Record a new version in the state `registered`.

    Raises:
        ArtifactError: the bytes are no admitted model.
        ModelError: the model raises, or answers NaN or the wrong shape on its own training rows.
        DataError: an input is not a column of the training data.
        SettingError: threshold outside 0..1, a limit that cannot be meant, or the data set is not training data of
            this use case.
    """
    house.allow(actor, "register-version", facts_of(house, use_case=new.use_case))
    check_name(new.name, "model")
    if not 0 <= new.threshold <= 1:
        raise SettingError(f"threshold is {new.threshold:g}", remedy="Allowed: 0 to 1.", field="threshold")
    case, dataset = _context(house, actor, new)
    signature, sample = _signature(house, new, case, dataset)
    artifact, artifact_format = house.workshop.admit(new.artifact, signature, sample.columns)
    house.workshop.try_out(artifact, artifact_format, signature, sample.columns)
    digest, files = house.artifacts.keep(artifact)
    training = f"{house.artifacts.put(new.training_code)}:{new.training}" if new.training else ""
    with house.store.begin() as tx:
        number = tx.of(ModelVersion).count(name=new.name) + 1
        version = ModelVersion(
            id=f"{new.name}:{number}",
            use_case=case.id,
            name=new.name,
            number=number,
            artifact=digest,
            format=artifact_format,
            signature=signature,
            threshold=new.threshold,
            developers=new.developers or (actor.id,),
            train_dataset=dataset.id,
            created_at=house.clock.now(),
            original_variables=signature.names,
            code_revision=new.code_revision,
            training=training,
            parents=new.parents,
            description=new.description,
            environment=new.environment,
            files=files,
            members=new.members,
        )
        tx.of(ModelVersion).add(version)
        house.record(
            tx,
            actor.id,
            "version-registered",
            version.id,
            new.description,
            {
                "artifact": digest,
                **({"files": files} if files else {}),
                "train": dataset.digest,
                "handed-in-as": _kind(new.artifact, artifact),
            },
        )
    return version


def _signature(house: House, new: NewVersion, case: UseCase, dataset: Dataset) -> tuple[Signature, Frame]:
    """The signature as inferred and declared, and the rows a model must answer before it is recorded."""
    frame, _ = load_dataset(house, dataset, case)
    names = new.inputs or default_inputs(case, dataset.columns)
    frame.require(names, f"the training data '{dataset.source}'")
    shown = infer(frame, names)
    signature = limited(shown, new.limits, frame)
    return signature, _sample(frame, shown, signature)


def _sample(frame: Frame, shown: Signature, signature: Signature) -> Frame:
    """Rows a model must answer before it is recorded: training rows, and one without what was declared to be missing,
    where training did not show that it may be.
    """
    rows = next(frame.select(signature.names).batches(SAMPLE_ROWS))
    news = {c.name for c, was in zip(signature.inputs, shown.inputs, strict=True) if was != c and c.missing_allowed}
    if not news:
        return rows
    known = rows.rows()
    known.append({**known[-1], **dict.fromkeys(news)})
    values = {c.name: [row[c.name] for row in known] for c in signature.inputs}
    return Frame({c.name: column_of(c, values[c.name]) for c in signature.inputs})


def _context(house: House, actor: Person, new: NewVersion) -> tuple[UseCase, Dataset]:
    """The use case and the training data a version names; its parents exist."""
    with house.store.read() as tx:
        case = tx.of(UseCase).get(new.use_case)
        dataset = tx.of(Dataset).get(new.train_dataset)
        for parent in new.parents:
            tx.of(ModelVersion).get(parent)
    refuse_sealed_as(house, actor, dataset.id, DatasetRole.TRAIN, f"train '{new.name}' on sealed data")
    if dataset.role is not DatasetRole.TRAIN:
        raise SettingError(
            f"'{dataset.id}' is {dataset.role.value} data",
            remedy="Name a training data set.",
            field="train_dataset",
        )
    if dataset.use_case != case.id:
        raise SettingError(
            f"'{dataset.id}' belongs to '{dataset.use_case}', the version to '{case.id}'",
            remedy="Name training data of the version's own use case.",
            field="train_dataset",
        )
    return case, dataset


def default_inputs(case: UseCase, columns: Sequence[str]) -> tuple[str, ...]:
    """Every column that is neither the target, nor the time, nor known only afterwards."""
    left_out = {case.target, case.time_column, *case.not_known_at_decision}
    return tuple(c for c in columns if c not in left_out)


def _kind(given: Artifact, admitted: Artifact) -> str:
    if isinstance(given, Folder):
        return "folder" if given is admitted else "folder with a pickle, converted"
    return "as admitted" if given == admitted else "pickle, converted"
