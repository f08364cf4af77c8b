"""Calls that `test_apart.py` has made in another process: they must be found there by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from roadworthy.domain.errors import BadOutputError


def write_pid(file: str) -> None:
    Path(file).write_text(str(os.getpid()))


def answer_nan() -> None:
    raise BadOutputError("the model answered NaN", remedy="Mend it.", rows=3)


def print_much() -> None:
    sys.stdout.write('{"code": "not-the-answer"}' * 1000)
    sys.stdout.flush()
    os.write(1, b"null")


def eat() -> None:
    kept = []
    while True:
        kept.append(bytearray(1 << 22))


def hang_with_child(file: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    Path(file).write_text(f"{os.getpid()} {child.pid}")
    while True:
        pass
