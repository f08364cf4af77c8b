"""What is judged and served: data sets, models, versions, and their signatures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from roadworthy.domain.lifecycle import State


class DatasetRole(Enum):
    """What a data set may be used for."""

    TRAIN = "train"
    VALIDATION = "validation"
    SEALED = "sealed test"
    PRODUCTION = "production sample"


@dataclass(frozen=True, slots=True)
class Dataset:
    """An immutable table, named by the SHA-256 of its bytes.

    `split_from` is the digest of the file it was split off from when the use case was new.
    """

    id: str
    use_case: str
    role: DatasetRole
    digest: str
    rows: int
    columns: tuple[str, ...]
    source: str
    created_at: datetime
    synthetic: bool = False
    reads: int = 0
    split_from: str = ""


@dataclass(frozen=True, slots=True)
class SealedLook:
    """One access to sealed data.

    `lineage` is the first version of the line of descent, `number` counts the charged looks of it, this one included
    when it is `charged`: a validation, which judges a model anew. Other gates and reviews look at what was judged
    already.
    """

    id: str
    dataset: str
    lineage: str
    version: str
    gate_run: str
    actor: str
    at: datetime
    number: int
    why: str
    charged: bool = True


class DType(Enum):
    """Column types of a model signature, in Open Inference Protocol spelling."""

    FP64 = "FP64"
    INT64 = "INT64"
    BOOL = "BOOL"
    BYTES = "BYTES"


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One input column: type, whether it may be missing, and what was seen in training.

    Numeric columns carry `low` and `high`, text columns `categories` (empty = any).
    """

    name: str
    dtype: DType
    missing_allowed: bool = False
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnLimit:
    """What requests must keep to in one column, declared by who registered the version; the gateway enforces it.

    `low` and `high` are inclusive, `categories` empty = any; an `optional` column may be left out and is then missing.
    """

    column: str
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs in the order the model takes them, and what it answers (one score in 0..1 per row).

    A request's values outside `limits` are refused; with `ignore_unknown`, columns that are no input are left aside.
    """

    inputs: tuple[ColumnSpec, ...]
    output: str = "score"
    limits: tuple[ColumnLimit, ...] = ()
    ignore_unknown: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The input columns' names, in order."""
        return tuple(c.name for c in self.inputs)


class ArtifactFormat(Enum):
    """How the bytes of an artifact are read."""

    SKOPS = "skops"
    ONNX = "onnx"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    TORCH = "torch-export"
    RULES = "rules"
    COMPOSITION = "composition"
    PICKLE = "pickle"


@dataclass(frozen=True, slots=True)
class Member:
    """A version inside a composition, as it was judged."""

    version: str
    artifact: str
    threshold: float
    files: str = ""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One immutable candidate for serving; only `state` moves, by the life-cycle table.

    `threshold` turns a score into an action (act when score >= threshold). `original_variables` are the columns
    before feature work, `parents` the versions it descends from, `environment` library -> version, `training`
    how to train it again: `module:function`, empty when not given. `files` is empty when the artifact is one file;
    of a folder it is the digest of its list of files (see `storing/folder.py`), and `format` that of the model in it.
    A composition names its `members`, whose approvals it needs beside its own.
    """

    id: str
    use_case: str
    name: str
    number: int
    artifact: str
    format: ArtifactFormat
    signature: Signature
    threshold: float
    developers: tuple[str, ...]
    train_dataset: str
    created_at: datetime
    state: State = State.REGISTERED
    original_variables: tuple[str, ...] = ()
    code_revision: str = ""
    training: str = ""
    parents: tuple[str, ...] = ()
    description: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    files: str = ""
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """A version bound to a context (a region, a customer)."""

    id: str
    version: str
    context: str


@dataclass(frozen=True, slots=True)
class Composition:
    """Instances and rules as one versioned, reversible unit; a single version is the smallest composition."""

    id: str
    instances: tuple[Instance, ...]
    rule: str = "single"
