"""Building the `House` from settings: which adapter stands behind which port is decided here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from roadworthy.adapters.access.cedar import CedarPolicy
from roadworthy.adapters.artifacts.places import open_artifacts
from roadworthy.adapters.benches.inside import InsideBench
from roadworthy.adapters.benches.pool import PoolBench
from roadworthy.adapters.clock import SystemClock
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.adapters.engines.dbos_engine import DbosEngine
from roadworthy.adapters.reports.printed import PrintedReports
from roadworthy.adapters.served.files import FileServed
from roadworthy.adapters.signing.configured import open_keyring
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.adapters.tallies.files import FileTallies
from roadworthy.apps.data_plane import TALLIES
from roadworthy.apps.perimeter import LocalPerimeter
from roadworthy.apps.settings import Settings, create_workspace, sync_mode
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.durable.bench import CheckBench
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.domain.gate import Limits
from roadworthy.domain.ports import Clock
from roadworthy.evidence.trust import TRUST
from roadworthy.services.access.keys import settle_keys
from roadworthy.services.ahead import sign_due_checkpoint
from roadworthy.services.catalog.people import found
from roadworthy.services.catalog.policies import take_up_policy
from roadworthy.services.gates.judging.assembly import GateWorkbench
from roadworthy.services.gates.run import WORK, adopt_gates, carry_out, resume_gates
from roadworthy.services.house import House
from roadworthy.services.serve.publish import publish_all, publish_trust

TRIAL = Limits(time_s=180.0, memory_mib=8192)
"""What a model may use when it is registered and scores its first rows."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A house and how to leave it."""

    house: House
    close: Callable[[], None]


def open_house(settings: Settings, clock: Clock | None = None, engine: WorkEngine | None = None) -> Opened:
    """Everything of one workspace, ready; unfinished gates go on at once.

    Raises:
        StorageUnavailableError: the folder or the database cannot be used.
    """
    root = settings.root
    create_workspace(root)
    work = engine or DbosEngine(_work_url(settings), executor=settings.executor)
    workshop = LocalWorkshop(TRIAL if settings.check_workers else None)
    perimeter = LocalPerimeter(workshop)
    artifacts = open_artifacts(settings.artifacts, root)
    house = House(
        store=SqlStore.open(settings.store_url or f"sqlite:///{root / 'control.db'}"),
        artifacts=artifacts,
        decisions=SegmentLog(root / "decisions", sync=sync_mode(settings.sync), writer=_writer(settings)),
        served=FileServed(root / "served"),
        trust=FileServed(root / "trust"),
        keyring=open_keyring(root / "keys", root),
        policy=CedarPolicy(),
        clock=clock or SystemClock(),
        engine=work,
        perimeter=perimeter,
        workshop=workshop,
        reports=PrintedReports(),
        bench=_bench(GateWorkbench(artifacts, workshop, perimeter), settings.check_workers),
        seed=settings.seed,
        checkpoint_every=settings.checkpoint_every,
        tallies=FileTallies(root / TALLIES, _writer(settings)),
    )
    found(house, settings.administrator)
    take_up_policy(house)
    work.register(WORK, lambda durable, arguments: carry_out(house, durable, arguments))
    work.launch()
    resume_gates(house)
    settle_keys(house)
    publish_trust(house)
    publish_all(house)

    def close() -> None:
        work.close()
        house.bench.close()
        house.decisions.close()
        house.store.close()

    return Opened(house, close)


class CatchUp:
    """Brings to its end what another server of the same installation left when it died; called again and again.

    What is published follows from what is recorded: where nothing was recorded since the last call and every document
    stands as it stood, none is made again.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._done: tuple[object, ...] = ()

    def __call__(self) -> None:
        """Publish what was committed and not published, take up gates whose server is gone, sign what is owed."""
        with self._house.store.read() as tx:
            head = tx.changes.head()
        recorded = head.digest if head else ""
        if (recorded, *self._published()) != self._done:
            publish_trust(self._house)
            publish_all(self._house)
            self._done = (recorded, *self._published())
        adopt_gates(self._house)
        sign_due_checkpoint(self._house)

    def _published(self) -> tuple[object, ...]:
        served = self._house.served
        return (self._house.trust.stamp(TRUST), {name: served.stamp(name) for name in served.endpoints()})


def _work_url(settings: Settings) -> str:
    """Durable work is kept where the settings say, else beside the control store."""
    if settings.work_url or settings.store_url.startswith("postgresql"):
        return settings.work_url or settings.store_url
    return f"sqlite:///{settings.root / 'work.db'}"


def _writer(settings: Settings) -> str:
    """Servers beside each other write decisions under names of their own."""
    own = settings.executor != Settings().executor
    return f"control-{settings.executor}" if own else "control"


def _bench(workbench: GateWorkbench, workers: int) -> CheckBench:
    if workers == 0:
        return InsideBench(workbench)
    return PoolBench(workbench, workers if workers > 0 else os.cpu_count() or 1)
