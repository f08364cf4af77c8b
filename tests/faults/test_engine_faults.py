"""Kill -9 in the middle of each step: after a restart the work goes on, and no recorded step is repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = 4

PROCESS = """
import json, os, signal, sys
from roadworthy.adapters.engines.dbos_engine import DbosEngine

folder, kill_in, when, ask = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]

def effect(k, arguments):
    if k == kill_in and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    with open(folder + "/effects", "a") as file:
        file.write(f"{k} {arguments['who']}\\n")
    if k == kill_in and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"k": k}

def work(durable, arguments):
    return [durable.step(f"s{k}", lambda k=k: effect(k, arguments)) for k in range(4)]

engine = DbosEngine("sqlite:///" + folder + "/work.sqlite")
engine.register("work", work)
engine.launch()
if ask == "run":
    print(json.dumps(engine.run("work", "w1", {"who": "first"})))
else:
    print(json.dumps(engine.run("work", "w1", {"who": "second"})))
engine.close()
"""


def run(folder: Path, kill_in: int, when: str, ask: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROCESS, str(folder), str(kill_in), when, ask]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
@pytest.mark.parametrize("k", range(STEPS))
def test_a_kill_in_a_step_repeats_at_most_that_step(tmp_path: Path, k: int, when: str) -> None:
    assert run(tmp_path, k, when, "run").returncode == -9
    again = run(tmp_path, -1, when, "rejoin")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == [{"k": i} for i in range(STEPS)]
    effects = (tmp_path / "effects").read_text().split("\n")[:-1]
    repeated = [k] if when == "after" else []
    assert effects == [f"{i} first" for i in sorted([*range(STEPS), *repeated])]


@pytest.mark.slow
def test_kills_in_a_row_still_end_in_each_step_recorded_once(tmp_path: Path) -> None:
    for k in range(STEPS):
        assert run(tmp_path, k, "before", "run").returncode == -9
    assert run(tmp_path, -1, "before", "rejoin").returncode == 0
    assert (tmp_path / "effects").read_text() == "".join(f"{i} first\n" for i in range(STEPS))
