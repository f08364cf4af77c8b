"""How long a dossier takes on a change record of 1,000 links: reading, proving, and each printer.

    python benchmarks/dossier.py

A world in which a version serves and was reviewed, on SQLite in a temporary folder, with a record filled up to 1,000
links, a tenth of them about the version. Exit code 1 when reading and proving together take longer than the second
that is promised for verifying such a record.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "worlds"))

from small_world import V1, World

from roadworthy.services.dossier.issue import FILES, issue_dossier
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record

LINKS, PROMISED_S = 1_000, 1.0
T = TypeVar("T")


def filled(world: World) -> None:
    """The whole road of one version, then notes until there are `LINKS` links."""
    world.prepare()
    world.register()
    world.activate_fully(V1)
    world.deploy(V1)
    with world.house.store.begin() as tx:
        head = tx.changes.head()
        for n in range(head.seq if head else 0, LINKS):
            world.house.record(tx, "omar", "noted", V1 if n % 10 == 0 else "offers", f"note {n}")


def timed(what: str, work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and the seconds of the faster of two runs; printed."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - start)
    print(f"{what:<28} {best:7.3f} s")
    return found, best


def main() -> int:
    """Print one line per part; 1 when reading and proving are too slow."""
    with tempfile.TemporaryDirectory() as folder, World.on_disk(Path(folder)) as world:
        filled(world)
        record, reading = timed("read the record", lambda: read_record(world.house, V1))
        proof, proving = timed("prove it", lambda: prove(record))
        print(f"{len(record.links):,} links, {len(record.evidence)} envelopes, {len(proof.problems)} problems")
        ada = world.who("ada")
        for name in FILES:
            timed(f"issue it as {name}", lambda name=name: issue_dossier(world.house, ada, V1, [name]))  # type: ignore[misc]
    return 1 if reading + proving > PROMISED_S or not proof.holds else 0


if __name__ == "__main__":
    sys.exit(main())
