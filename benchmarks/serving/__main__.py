"""How many decisions a second, side by side with the servers people use today and with a server that does nothing.

    python -m benchmarks.serving --bench ../shared/bench/serving [--keep FOLDER] [--rounds 3] [--secs 5] [--only RE]

One row of 30 numbers as JSON, two models, concurrency 1, 16 and 64; the decision log on, synced to the disk before each
answer (`roadworthy-*`) and not (`roadworthy-off-*`). With root it runs in a network of its own. The peers are installed
on the first run (several GB); `--only` picks some of the servers by a regular expression. Exit code 1 when a promise of
`PROMISES` is not kept.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.serving import peers
from benchmarks.serving.workspace import MODELS, build

FLOOR = "granian-rsgi-echo-w1"
FAMILIES = ("mlserver", "bentoml", "mlflow", "ray-serve", "litserve", "kserve")
INSIDE = "ROADWORTHY_BENCH_NETWORK"


def main() -> int:
    asked = _arguments()
    folder = Path(asked.keep or tempfile.mkdtemp(prefix="rw-serving-")).absolute()
    only = asked.only or rf"^(roadworthy|{re.escape(FLOOR)}|{'|'.join(FAMILIES)})"
    arguments = ["--rounds", str(asked.rounds), "--secs", str(asked.secs), "--only", only, "--model", asked.model]
    try:
        bench: Any = peers.load(Path(asked.bench).absolute(), folder, arguments)
    except FileNotFoundError as absent:
        print(f"skipped: the peers' benchmark is not at {absent}; give --bench")
        return 0
    _prepare(bench, folder, asked.floor_only)
    _own_network(asked, folder)
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # orphans of a server come back to this process, which stops them
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    peers.add_ours(bench, folder / "workspaces")
    before = _results(bench)
    bench.run_all()
    found = _results(bench)[len(before) :]
    print(table(found))
    broken = promises(found)
    for line in broken:
        print(f"NOT KEPT: {line}")
    return int(bool(broken))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="../shared/bench/serving", help="folder of the peers' benchmark")
    parser.add_argument("--keep", default="", help="folder for peers, models and workspaces; made once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=float, default=5)
    parser.add_argument("--only", default="", help="servers to measure, a regular expression")
    parser.add_argument("--model", choices=(*MODELS, "both"), default="both")
    parser.add_argument("--floor-only", action="store_true", help="install no peers: ours and the floor alone")
    asked = parser.parse_args()
    if asked.floor_only:
        asked.only = asked.only or rf"^(roadworthy|{re.escape(FLOOR)})"
    return asked


def _prepare(bench: Any, folder: Path, floor_only: bool) -> None:
    """Peers, models and our workspaces, where they are not there yet."""
    if os.environ.get(INSIDE):
        return
    if floor_only:
        bench.PEERS = {"base": bench.PEERS["base"], "mlflow": bench.PEERS["mlflow"]}
    if not (folder / "models" / "ref.json").exists():
        bench.setup()
        bench.models()
    for model in MODELS:
        whole = folder / "workspaces" / f"always-{model}"
        if not whole.exists():
            build(whole, model)
            shutil.copytree(whole, folder / "workspaces" / f"off-{model}")
            (folder / "workspaces" / f"off-{model}" / "roadworthy.toml").write_text('sync = "off"\n')


def _own_network(asked: argparse.Namespace, folder: Path) -> None:
    """With root: again, in a network namespace that has only loopback."""
    if os.environ.get(INSIDE) or os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")):
        return
    os.environ[INSIDE] = "1"
    again = [sys.executable, "-m", "benchmarks.serving", "--bench", asked.bench, "--keep", str(folder)]
    again += ["--rounds", str(asked.rounds), "--secs", str(asked.secs), "--model", asked.model]
    again += ["--only", asked.only] if asked.only else []
    command = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *again]
    os.execvp(command[0], command)  # noqa: S606 - the same program, by the system's own unshare


def _results(bench: Any) -> list[dict[str, Any]]:
    path = Path(bench.RES)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def middle(found: list[dict[str, Any]], name: str, model: str, c: int, what: str) -> float | None:
    """The median over rounds of one figure of a server; None when it was not measured."""
    values = [r["m"][str(c)][what] for r in found if r["name"] == name and r["model"] == model and "m" in r]
    return statistics.median(values) if values else None


def table(found: list[dict[str, Any]]) -> str:
    """All that was measured, as a Markdown table."""
    lines = [
        "| model | server | c=1 req/s | p50 ms | c=16 req/s | c=64 req/s | p50 ms | p99 ms | RSS MB | start s |"
    ]
    lines.append("| --- | --- " + "| ---: " * 8 + "|")
    for model in MODELS:
        for name in dict.fromkeys(r["name"] for r in found if r["model"] == model and "m" in r):
            rows = [r for r in found if r["name"] == name and r["model"] == model and "m" in r]
            cells = [
                f"{middle(found, name, model, 1, 'rps'):.0f}",
                f"{(middle(found, name, model, 1, 'p50') or 0) / 1e3:.2f}",
                f"{middle(found, name, model, 16, 'rps'):.0f}",
                f"{middle(found, name, model, 64, 'rps'):.0f}",
                f"{(middle(found, name, model, 64, 'p50') or 0) / 1e3:.2f}",
                f"{(middle(found, name, model, 64, 'p99') or 0) / 1e3:.2f}",
                f"{statistics.median(r['rss'] for r in rows):.0f}",
                f"{statistics.median(r['up'] for r in rows):.1f}",
            ]
            lines.append(f"| {model} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def promises(found: list[dict[str, Any]]) -> list[str]:
    """What was promised and not measured so: ten times each peer at its best, 60 % of the floor, and the rest."""
    broken = []
    for model in MODELS:
        ours = middle(found, "roadworthy-w1", model, 64, "rps")
        if ours is None:
            continue
        best = max(ours, middle(found, "roadworthy-w2", model, 64, "rps") or 0)
        late = middle(found, "roadworthy-w1", model, 64, "p99") or 0
        for family in FAMILIES:
            names = {r["name"] for r in found if r["name"].startswith(family) and r["model"] == model and "m" in r}
            rates = [middle(found, n, model, 64, "rps") or 0 for n in names]
            medians = [middle(found, n, model, 64, "p50") or 0 for n in names]
            if rates and best < 10 * max(rates):
                broken.append(f"{model}: {best:.0f}/s is {best / max(rates):.1f} x {family}, not 10 x")
            if medians and late >= min(medians):
                broken.append(
                    f"{model}: p99 {late / 1e3:.1f} ms, not below {family}'s median {min(medians) / 1e3:.1f} ms"
                )
        floor = middle(found, FLOOR, "lr", 64, "rps")
        if floor and ours < 0.6 * floor:
            broken.append(f"{model}: {ours:.0f}/s is {ours / floor:.0%} of the floor, not 60 %")
        mine = [r for r in found if r["name"] == "roadworthy-w1" and r["model"] == model and "m" in r]
        rss, up = statistics.median(r["rss"] for r in mine), statistics.median(r["up"] for r in mine)
        broken += [f"{model}: {rss:.0f} MB, not 150"] if rss > 150 else []
        broken += [f"{model}: first answer after {up:.1f} s, not 2"] if up > 2 else []
    return broken


if __name__ == "__main__":
    sys.exit(main())
