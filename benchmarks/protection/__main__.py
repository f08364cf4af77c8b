"""`python -m benchmarks.protection`: how often the detectors of misuse see real attacks, and honest clients by mistake.

Attackers are those of the adversarial-robustness-toolbox; honest clients are rows of real tables that the model was not
trained on. Every share has a 95 % Wilson interval. `--quick` for a few of each.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.stats import shapiro

sys.path.insert(0, str(Path(__file__).parent))

from attacks import ATTACKS
from victims import TABLES, Victim, honest, victim

from roadworthy.monitoring.protection.detectors import DETECTORS, TrafficParams, build_profile, look
from roadworthy.monitoring.protection.profile import TrafficProfile, TrafficWindow, different, gaps
from roadworthy.statistics.frame import Frame
from roadworthy.statistics.proportions import wilson

DATA = Path(__file__).parents[2].parent / "shared" / "data"
PRADA = "PRADA as published"
Counts = dict[str, dict[str, list[bool]]]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--honest", type=int, default=1000, help="honest windows of each kind")
    parser.add_argument("--attackers", type=int, default=30, help="attackers of each kind")
    parser.add_argument("--asked", type=int, default=300, help="rows each attacker asks for")
    parser.add_argument("--room", type=float, default=TrafficParams().room)
    parser.add_argument("--near", type=float, default=TrafficParams().near)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.honest, given.attackers = 60, 2
    if not given.data.is_dir():
        print(f"no data in {given.data}: give --data FOLDER with the tables named in victims.py")
        return 2
    params = TrafficParams(room=given.room, near=given.near)
    for table in TABLES:
        measure(f"{table.name}, random half", victim(table, given.data, in_time=False), given, params)
    measure("bank, later callers", victim(TABLES[0], given.data, in_time=True), given, params)
    return 0


def measure(title: str, target: Victim, given: argparse.Namespace, params: TrafficParams) -> None:
    began = time.perf_counter()
    profile = build_profile(target.train, target.acts(target.train), np.random.default_rng(0), params)
    made_s = time.perf_counter() - began
    size = len(profile.to_json()) / 1024
    print(f"\n## {title}\n\nProfile of {target.train.n_rows:,} rows: {made_s:.1f} s, {size:.0f} KiB; limits "
          + ", ".join(f"{k} {v:.2f}" for k, v in profile.limits.items()))  # fmt: skip
    rng = np.random.default_rng(1)
    windows: Counts = defaultdict(lambda: defaultdict(list))
    spent: list[float] = []
    for kind, frame in honest(target, profile.window, given.honest, rng):
        began = time.perf_counter()
        _count(windows[kind], profile, target, frame)
        spent.append(time.perf_counter() - began)
    _table("honest windows taken for misuse", windows)
    attackers: Counts = defaultdict(lambda: defaultdict(list))
    for name, (_, attack) in ATTACKS.items():
        for number in range(given.attackers):
            frame = attack(target, given.asked, np.random.default_rng(100 + number))
            each: dict[str, list[bool]] = {name: [] for name in (*DETECTORS, "any of them", PRADA)}
            frame = frame.take(different(profile.space.place(frame)))
            for start in range(0, frame.n_rows - profile.window + 1, profile.window):
                _count(each, profile, target, frame.take(np.arange(start, start + profile.window)))
            for detector, alarms in each.items():
                attackers[name][detector].append(any(alarms))
    _table(f"attackers seen within {given.asked} rows", attackers)
    print(
        f"\nOne window of {profile.window} rows, scored and judged by all: {1000 * float(np.median(spent)):.1f} ms"
    )


def _count(counts: dict[str, list[bool]], profile: TrafficProfile, target: Victim, frame: Frame) -> None:
    window = TrafficWindow.of(profile.space.place(frame), target.acts(frame))
    found = look(profile, window, DETECTORS)
    for one in found:
        counts[one.detector].append(one.alarm)
    counts["any of them"].append(any(one.alarm for one in found))
    counts[PRADA].append(_prada(window))


def _prada(window: TrafficWindow, delta: float = 0.95) -> bool:
    """The published test: Shapiro-Wilk's W of the distances within 3 standard deviations, an attack below `delta`."""
    apart = gaps(window, by_decision=True)
    inside = apart[np.abs(apart - apart.mean()) <= 3 * apart.std()]
    return bool(shapiro(inside).statistic < delta) if len(inside) > 3 and np.ptp(inside) > 0 else True


def _table(title: str, counts: Counts) -> None:
    names = list(next(iter(counts.values())))
    print(f"\n| {title} | n | {' | '.join(names)} |\n|{' --- |' * (len(names) + 2)}")
    for kind, by in counts.items():
        print(f"| {kind} | {len(by[names[0]])} | {' | '.join(_share(by[n]) for n in names)} |")


def _share(alarms: list[bool]) -> str:
    interval = wilson(sum(alarms), len(alarms))
    return f"{np.mean(alarms):.1%} ({interval.low:.1%} to {interval.high:.1%})"


if __name__ == "__main__":
    sys.exit(main())
