"""`python -m benchmarks`: every benchmark in its quick form, one after the other; `--full` for the long ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
QUICK = {
    "statistics/canary.py": ["--quick"],
    "catalog": ["--versions", "2000", "--use-cases", "40", "--repeats", "10"],
}
"""Arguments of a benchmark's quick form, where it has one."""


def main() -> int:
    full = "--full" in sys.argv[1:]
    worst = 0
    for path in _benchmarks():
        name = str(path.relative_to(HERE))
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(path), *([] if full else QUICK.get(name, []))], check=False)
        worst = max(worst, done.returncode)
    return worst


def _benchmarks() -> list[Path]:
    """Every file, and every folder that runs as one."""
    folders = [path.parent for path in HERE.rglob("__main__.py") if path.parent != HERE]
    files = [p for p in HERE.rglob("*.py") if p.name != "__main__.py" and p.parent not in folders]
    return sorted(folders + files)


if __name__ == "__main__":
    sys.exit(main())
