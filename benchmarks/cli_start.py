"""How long `roadworthy --help` takes, process start included: the median of some runs, beside a bare interpreter.

    python benchmarks/cli_start.py

The target is below 0.5 s. Slow imports are found with `python -X importtime -m roadworthy --help`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 9
TARGET_S = 0.5


def seconds(words: list[str]) -> float:
    """Median wall seconds of a command line; the first run only warms the caches."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def main() -> None:
    """Print one line."""
    bare = seconds([sys.executable, "-c", "pass"])
    ours = seconds([sys.executable, "-m", "roadworthy", "--help"])
    said = "within" if ours < TARGET_S else "ABOVE"
    print(f"roadworthy --help {ours:.3f} s   bare interpreter {bare:.3f} s   {said} the target of {TARGET_S} s")


if __name__ == "__main__":
    main()
