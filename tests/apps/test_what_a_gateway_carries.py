"""What the gateway's processes import before the first model: memory every worker pays for."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("sklearn", "scipy", "pandas", "duckdb", "torch", "sqlalchemy", "fastapi", "nicegui", "typer", "uvicorn")


def imported(module: str) -> set[str]:
    """The top-level packages in memory after importing a module in a process of its own."""
    code = f"import sys, {module}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    return set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )


def test_a_worker_holds_no_library_that_only_others_need() -> None:
    assert imported("roadworthy.apps.gateway.worker").isdisjoint(HEAVY)


def test_the_process_that_watches_the_workers_holds_only_the_server() -> None:
    assert imported("roadworthy.apps.gateway.__main__").isdisjoint((*HEAVY, "numpy", "pyarrow", "onnxruntime"))


def test_reading_skops_files_does_not_load_torch() -> None:
    module = "roadworthy.adapters.runtimes.skops_runtime as s, sys; s.skops_io(); import sklearn"
    found = imported(module)
    assert "sklearn" in found
    assert "torch" not in found
