"""What the services need of the world. Adapters implement these; in-memory ones ship and pass the same tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from roadworthy.domain.gate import GateRun
from roadworthy.domain.model import ArtifactFormat, Dataset, ModelVersion, SealedLook, Signature
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import (
    Agent,
    Deployment,
    Drill,
    Endpoint,
    Probe,
    RolloutLook,
    Scan,
    ServedMark,
)
from roadworthy.domain.standing.protection import ProtectionTally
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.folder import Artifact
from roadworthy.domain.storing.keys import Keyring, Signer
from roadworthy.domain.storing.log import DecisionLog
from roadworthy.domain.storing.store import Aggregate, ChangeLog, Repository, Store, Stored, Transaction
from roadworthy.domain.trust import (
    Delegation,
    Evidence,
    HandOff,
    Identity,
    Login,
    Person,
    PolicyRevision,
    Ruling,
    Session,
    SignOff,
    Token,
)
from roadworthy.domain.use_case import KpiContract, UseCase

__all__ = [
    "Aggregate", "ChangeLog", "DecisionLog", "Keyring", "Repository", "Signer", "Store", "Stored", "Transaction",
]  # fmt: skip
# The ports of the control store, of keys and of the decision log have files of their own; they are imported from here.

AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate(Person, "person", ()),
    Aggregate(UseCase, "use_case", ("owner",)),
    Aggregate(KpiContract, "kpi_contract", ("use_case",)),
    Aggregate(
        Dataset,
        "dataset",
        ("use_case", "role", "digest"),
        together=(("use_case", "role"), ("digest", "role")),
    ),
    Aggregate(
        ModelVersion,
        "model_version",
        ("use_case", "state", "name"),
        together=(("use_case",), ("use_case", "state"), ("use_case", "name")),
    ),
    Aggregate(
        VersionCard,
        "version_card",
        ("use_case", "state", "name"),
        sorts=("name", "approved_at"),
        moments=("approved_at",),
        many=("developers",),
        words=("id", "use_case", "description", "developers"),
        together=(
            ("state",),
            ("use_case",),
            ("use_case", "state"),
            ("name",),
            ("state", "name"),
            ("approved_at",),
            ("state", "approved_at"),
        ),
    ),
    Aggregate(GateRun, "gate_run", ("version", "gate"), together=(("version", "gate"),)),
    Aggregate(Evidence, "evidence", ("kind", "subject", "version"), together=(("kind", "subject"),)),
    Aggregate(SignOff, "sign_off", ("version", "gate_run")),
    Aggregate(HandOff, "hand_off", ("version",)),
    Aggregate(
        WorkItem,
        "work_item",
        ("version", "use_case", "state"),
        together=(("state",), ("version",), ("use_case",), ("version", "state"), ("use_case", "state")),
    ),
    Aggregate(Endpoint, "endpoint", ("use_case",)),
    Aggregate(Agent, "agent", ("endpoint", "version")),
    Aggregate(Deployment, "deployment", ("endpoint", "state"), together=(("endpoint",),)),
    Aggregate(RolloutLook, "rollout_look", ("deployment",)),
    Aggregate(ReviewRun, "review_run", ("endpoint", "version"), together=(("endpoint",),)),
    Aggregate(LedgerEntry, "ledger_entry", ("endpoint", "version"), together=(("endpoint",),)),
    Aggregate(SealedLook, "sealed_look", ("dataset", "lineage"), together=(("dataset", "lineage"),)),
    Aggregate(Delegation, "delegation", ("giver", "taker"), together=(("giver", "taker"),)),
    Aggregate(Token, "token", ("person",)),
    Aggregate(Session, "session", ("person",), passing=True),
    Aggregate(Login, "login", ("person",)),
    Aggregate(PolicyRevision, "policy_revision", ()),
)


class ArtifactStore(Protocol):
    """Bytes named by their SHA-256 (64 hex digits), and folders of them."""

    def put(self, data: bytes) -> str:
        """Keep bytes, return their digest. Storing the same bytes twice is one object."""
        ...

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes without holding them all in memory."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes, checked against the digest. Raises NotFoundError, DigestMismatchError."""
        ...

    def has(self, digest: str) -> bool:
        """Whether the bytes are here."""
        ...

    def keep(self, artifact: Artifact) -> tuple[str, str]:
        """Keep bytes or a folder; returns its digest, and of a folder that of its list of files (else empty)."""
        ...

    def fetch(self, artifact: str, files: str = "") -> Artifact:
        """The bytes, or by its list the folder, every file checked. Raises as `get`, naming the file."""
        ...


Columns = Mapping[str, Any]
"""Column name -> one-dimensional NumPy array; all of one length (n_rows,)."""


class Predictor(Protocol):
    """A loaded model."""

    def predict(self, columns: Columns) -> Any:
        """Scores, float64 array of shape (n_rows,), each in 0..1.

        Raises ModelRaisedError when the model raises, BadOutputError when it answers anything else.
        """
        ...


class Runtime(Protocol):
    """Loads artifacts of one format."""

    @property
    def format(self) -> ArtifactFormat:
        """The format it loads."""
        ...

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor; `beside` are files the bytes refer to, by name. Raises ArtifactError: not admitted."""
        ...


class ServedConfigurations(Protocol):
    """What each endpoint serves now: one signed document per endpoint (see `evidence/served.py`)."""

    def publish(self, endpoint: str, document: bytes) -> None:
        """Put a document in force, atomically."""
        ...

    def read(self, endpoint: str) -> bytes | None:
        """The document in force, or None."""
        ...

    def stamp(self, endpoint: str) -> str:
        """Cheap to read and different after every `publish`; empty when there is no document."""
        ...

    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that have a document."""
        ...


class ServedMemory(Protocol):
    """The newest deployment a gateway has ever served per endpoint; outlives the gateway's process."""

    def newest(self, endpoint: str) -> ServedMark | None:
        """The newest mark kept, or None. Raises CouldNotVerifyError when it cannot be read."""
        ...

    def remember(self, endpoint: str, mark: ServedMark) -> None:
        """Keep the mark, unless a newer one is kept."""
        ...


class ProtectionLog(Protocol):
    """What the standing protections of gateways did and saw."""

    def append(self, tally: ProtectionTally) -> None:
        """Keep a tally. Raises StorageUnavailableError."""
        ...

    def read(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[ProtectionTally]:
        """Tallies of an endpoint that ended at or after `since` and began before `until`, in the order of their end."""
        ...


class Clock(Protocol):
    """Time as a dependency."""

    def now(self) -> datetime:
        """The current time, UTC."""
        ...


class Policy(Protocol):
    """Who may do what."""

    def permits(self, person: Person, action: str, facts: Mapping[str, Any]) -> bool:
        """Whether the rules allow it; `facts` describe the object (for example its developers)."""
        ...

    def explain(self, person: Person, action: str, facts: Mapping[str, Any]) -> Ruling:
        """The same, with the rules that decide it; `no-rule-permits` when none speaks for it."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """Everything one may ask permission for."""
        ...

    @property
    def text(self) -> str:
        """The rules in force."""
        ...

    @property
    def source(self) -> str:
        """What they are called."""
        ...

    def checked(self, text: str, source: str) -> Policy:
        """Other rules, not in force. Raises SettingError naming the line when they cannot be."""
        ...

    def replace(self, text: str, source: str) -> None:
        """Put other rules in force; refused ones leave the old. Raises SettingError."""
        ...


class IdentityProvider(Protocol):
    """Logging in elsewhere: OpenID Connect, authorization code with PKCE."""

    @property
    def name(self) -> str:
        """Who it is, for people."""
        ...

    def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to log in. Raises UnavailableError when the provider does not answer."""
        ...

    def identify(self, redirect: str, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with this code.

        Raises:
            UnauthenticatedError: the code or what it bought does not prove it.
            UnavailableError: the provider does not answer.
        """
        ...


class Trial(Protocol):
    """One version behind a real endpoint inside the perimeter: real HTTP, real log, no effect on users."""

    def rest(self, columns: Columns) -> Any:
        """Scores through the HTTP endpoint, float64 (n_rows,)."""
        ...

    def in_code(self, columns: Columns) -> Any:
        """Scores through the in-process endpoint, same contract and log."""
        ...

    def batch(self, columns: Columns) -> Any:
        """Scores through the batch scorer."""
        ...

    def probe(self, columns: Columns) -> Probe:
        """Send each row as its own request, and malformed ones, and count what came back."""
        ...

    def drill(self, columns: Columns) -> Drill:
        """Rehearse a rollback under traffic and time it."""
        ...


class Perimeter(Protocol):
    """Where a version is tried."""

    def open(self, version: ModelVersion, artifact: Artifact) -> AbstractContextManager[Trial]:
        """Start a trial; everything it started ends with the block."""
        ...


class Workshop(Protocol):
    """Everything that reads model bytes or runs a user's training code, kept away from the services' process."""

    def scan(self, artifact: Artifact) -> Scan:
        """What it is and whether it is admitted, every file of it; loads nothing."""
        ...

    def admit(self, artifact: Artifact, signature: Signature, sample: Columns) -> tuple[Artifact, ArtifactFormat]:
        """It in an admitted format: unchanged, or a pickle converted with its scores compared on `sample`.

        Raises:
            ArtifactError: refused, with the reason.
        """
        ...

    def load(self, artifact: Artifact, artifact_format: ArtifactFormat, signature: Signature) -> Predictor:
        """A predictor."""
        ...

    def try_out(
        self, artifact: Artifact, artifact_format: ArtifactFormat, signature: Signature, sample: Columns
    ) -> None:
        """Have an admitted model score some rows, for what it may raise.

        Raises:
            ArtifactError: it cannot be loaded. ModelError: it raises, takes too long, or answers what is no score.
        """
        ...

    def train(self, code: bytes, function: str, data: Columns, target: Any, seed: int) -> bytes:
        """Run a training entry point in its own process; returns an artifact in an admitted format."""
        ...
