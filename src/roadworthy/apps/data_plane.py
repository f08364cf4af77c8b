"""The gateway of a workspace: what it may load, and from where it reads."""

from __future__ import annotations

from pathlib import Path

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.clock import SystemClock
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.adapters.served.files import FileServed
from roadworthy.apps.settings import Settings, sync_mode
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.ports import ArtifactStore, Clock, DecisionLog, Predictor, ServedConfigurations
from roadworthy.domain.serving import Arm, Deployment
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.evidence.trust import decode_trust
from roadworthy.gateway.plane import Gateway
from roadworthy.gateway.request import Ports
from roadworthy.services.watch.verify import TRUST


def build_gateway(
    served: ServedConfigurations,
    trust: ServedConfigurations,
    artifacts: ArtifactStore,
    log: DecisionLog,
    clock: Clock,
) -> Gateway:
    """A gateway that loads only what verifies against the trust root; it needs no control plane."""
    workshop = LocalWorkshop()

    def verify(document: bytes) -> Deployment:
        root = trust.read(TRUST)
        if root is None:
            raise CouldNotVerifyError(
                "there is no trust root", remedy="Start the control plane once: it publishes the public keys."
            )
        found = decode_served(document)
        verify_served(found, decode_trust(root), now=clock.now())
        return found.deployment

    def load(arm: Arm, data: bytes) -> Predictor:
        if arm.signature is None:
            raise CouldNotVerifyError(f"arm '{arm.name}' has no signature", remedy="Deploy the version again.")
        return workshop.load(data, ArtifactFormat(workshop.scan(data).format), arm.signature)

    return Gateway(Ports(served, verify, artifacts, load, log, clock))


def open_gateway(settings: Settings, writer: str) -> Gateway:
    """The gateway of a workspace, for a process of its own."""
    root = settings.root
    return build_gateway(
        served=FileServed(root / "served"),
        trust=FileServed(root / "trust"),
        artifacts=LocalArtifacts(root / Path(settings.artifacts)),
        log=SegmentLog(root / "decisions", sync=sync_mode(settings.sync), writer=writer),
        clock=SystemClock(),
    )
