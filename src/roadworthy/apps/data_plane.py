"""The gateway of a workspace: what it may load, and from where it reads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from roadworthy.adapters.artifacts.places import open_artifacts
from roadworthy.adapters.clock import SystemClock
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.adapters.runtimes.composed.reading import read_composition
from roadworthy.adapters.served.files import FileServed
from roadworthy.adapters.served.newest import FileNewest
from roadworthy.adapters.tallies.files import FileTallies
from roadworthy.apps.settings import Settings, sync_mode
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import (
    CouldNotVerifyError,
    DigestMismatchError,
    IntegrityError,
    MissingExtraError,
    NotFoundError,
)
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.ports import (
    ArtifactStore,
    Clock,
    DecisionLog,
    Predictor,
    ProtectionLog,
    ServedConfigurations,
    ServedMemory,
)
from roadworthy.domain.serving import Arm
from roadworthy.domain.storing.composition import DOCUMENT
from roadworthy.domain.storing.folder import Artifact, Folder
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.evidence.trust import TRUST, decode_trust
from roadworthy.gateway.app import Face
from roadworthy.gateway.plane import Gateway
from roadworthy.gateway.request import Ports, Verified
from roadworthy.gateway.telemetry.access import AccessLog
from roadworthy.gateway.telemetry.watch import Watch

SEGMENT_ROWS = 50_000
"""Decisions in one segment of a gateway's worker."""

MEMORY = "gateway"
"""The folder below the workspace in which gateways remember what they have served."""

TALLIES = "protection"
"""The folder below the workspace in which gateways write down what their standing protections saw."""


def build_gateway(
    served: ServedConfigurations,
    trust: ServedConfigurations,
    artifacts: ArtifactStore,
    log: DecisionLog,
    clock: Clock,
    memory: ServedMemory | None = None,
    tallies: ProtectionLog | None = None,
) -> Gateway:
    """A gateway that loads only what verifies against the trust root; it needs no control plane.

    Everything is verified again whenever an endpoint's document or the trust root changes. `memory` keeps what was
    served beyond the end of the process, `tallies` what the standing protections saw.
    """
    workshop = LocalWorkshop()

    def verify(document: bytes) -> Verified:
        root = trust.read(TRUST)
        if root is None:
            raise CouldNotVerifyError(
                "there is no trust root", remedy="Start the control plane once: it publishes the public keys."
            )
        found = decode_served(document)
        admitted = verify_served(found, decode_trust(root), now=clock.now())
        for digest, name in admitted.playbooks.items():
            _check_playbook(artifacts, digest, name)
        return Verified(found.deployment, {licence.version: licence for licence in admitted.licences})

    def load(arm: Arm, data: Artifact) -> Predictor:
        if arm.signature is None:
            raise CouldNotVerifyError(f"arm '{arm.name}' has no signature", remedy="Deploy the version again.")
        _check_members(arm, data)
        return workshop.load(data, ArtifactFormat(workshop.scan(data).format), arm.signature)

    return Gateway(Ports(_JudgedBy(served, trust), verify, artifacts, load, log, clock, memory, tallies))


def _check_members(arm: Arm, artifact: Artifact) -> None:
    """The members in a composition's artifact are those the deployment names. Raises IntegrityError."""
    document = artifact.files.get(DOCUMENT) if isinstance(artifact, Folder) else None
    parts = read_composition(document).parts if document is not None else ()
    if tuple(part.member for part in parts) != arm.members:
        raise IntegrityError(
            f"arm '{arm.name}' names the members {[m.version for m in arm.members]}, its artifact holds"
            f" {[p.member.version for p in parts]}",
            remedy="Deploy the composition again.",
            piece="members",
        )


class _JudgedBy:
    """Served documents that also count as changed when the trust root they are judged by has changed."""

    def __init__(self, served: ServedConfigurations, trust: ServedConfigurations) -> None:
        self._trust = trust
        self._served = served
        self.publish, self.read, self.endpoints = served.publish, served.read, served.endpoints

    def stamp(self, endpoint: str) -> str:
        """The document's stamp and the trust root's; empty when there is no document."""
        own = self._served.stamp(endpoint)
        return own and f"{own} {self._trust.stamp(TRUST)}"


def _check_playbook(artifacts: ArtifactStore, digest: str, name: str) -> None:
    """The bytes of the playbook a gate run names are there and are those."""
    try:
        artifacts.get(digest)
    except DigestMismatchError as error:
        raise DigestMismatchError(
            f"playbook {name}: {error.what}", remedy=error.remedy, piece="playbook"
        ) from error
    except NotFoundError as error:
        raise CouldNotVerifyError(
            f"playbook {name} with digest {digest} is not in the artifact store",
            remedy="Put its bytes there again: they show by which thresholds the gate judged.",
            piece="playbook",
        ) from error


def open_gateway(settings: Settings, writer: str) -> Gateway:
    """The gateway of a workspace, for a process of its own."""
    root = settings.root
    return build_gateway(
        served=FileServed(root / "served"),
        trust=FileServed(root / "trust"),
        artifacts=open_artifacts(settings.artifacts, root),
        # Sealing takes a processor and holds Python's lock for long: whoever keeps the log does it, not who answers.
        log=SegmentLog(
            root / "decisions", sync=sync_mode(settings.sync), writer=writer, segment_rows=SEGMENT_ROWS, seals=False
        ),
        clock=SystemClock(),
        memory=FileNewest(root / MEMORY),
        tallies=FileTallies(root / TALLIES, writer),
    )


def watches(settings: Settings) -> list[Watch]:
    """Who looks on at the gateway's requests: an access log and spans, when the settings ask for them.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """
    found: list[Watch] = [AccessLog(settings.access_percent)] if settings.access_percent else []
    if settings.otel_endpoint:
        try:
            spans = import_module("roadworthy.gateway.telemetry.spans")
        except ImportError as missing:
            raise MissingExtraError(
                "spans need OpenTelemetry", remedy="Install it: pip install 'roadworthy[otel]'.", extra="otel"
            ) from missing
        found.append(spans.Spans(settings.otel_endpoint, settings.otel_percent))
    return found


def grpc_faces(settings: Settings, looking: Sequence[Watch] = ()) -> list[Face]:
    """The gateway's gRPC port, when the settings ask for one.

    Raises:
        MissingExtraError: grpcio is not installed.
    """
    if settings.grpc_port == 0:
        return []
    try:
        service = import_module("roadworthy.gateway.protocol.grpc.service")
    except ImportError as missing:
        raise MissingExtraError(
            "the gateway over gRPC needs grpcio", remedy="Install it: pip install 'roadworthy[grpc]'.", extra="grpc"
        ) from missing
    return [service.GrpcFace(settings.host, settings.grpc_port, looking)]
