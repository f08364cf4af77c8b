"""`python -m benchmarks`: every benchmark in its quick form, one after the other; `--full` for the long ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
QUICK = {"statistics/canary.py": ["--quick"]}
"""Arguments of a benchmark's quick form, where it has one."""


def main() -> int:
    full = "--full" in sys.argv[1:]
    worst = 0
    for path in sorted(HERE.rglob("*.py")):
        name = str(path.relative_to(HERE))
        if name.startswith("__"):
            continue
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(path), *([] if full else QUICK.get(name, []))], check=False)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
