"""A third party's checks, registered as anybody's would be: what a gate must survive."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class Told(Params):
    """A file to write to, and a number."""

    file: str = ""
    number: float = 0.0


class Nasty(Check):
    title = "Nasty"
    step = Step.V3
    defect = DefectKind.BEHAVIOUR
    params: ClassVar[type[Params]] = Told

    def evaluate(self, material: Material, params: Any) -> Finding:
        return self.finding(Verdict.PASS, "Fine.", statistic=self.act(material, params))

    def act(self, material: Material, params: Any) -> float:
        raise NotImplementedError


class Hangs(Nasty):
    id = "hangs"

    def act(self, material: Material, params: Any) -> float:
        while True:
            pass


class Eats(Nasty):
    id = "eats"

    def act(self, material: Material, params: Any) -> float:
        kept = []
        while True:
            kept.append(bytearray(1 << 22))


class EatsNative(Nasty):
    id = "eats-native"

    def act(self, material: Material, params: Any) -> float:
        return float(np.ones((1 << 30,)).sum())


class Aborts(Nasty):
    id = "aborts"

    def act(self, material: Material, params: Any) -> float:
        os.abort()


class Exits(Nasty):
    id = "exits"

    def act(self, material: Material, params: Any) -> float:
        os._exit(0)


class ExitsPolitely(Nasty):
    id = "exits-politely"

    def act(self, material: Material, params: Any) -> float:
        raise SystemExit(3)


class Segfaults(Nasty):
    id = "segfaults"

    def act(self, material: Material, params: Any) -> float:
        return float(len(ctypes.string_at(0)))


class Raises(Nasty):
    id = "raises"

    def act(self, material: Material, params: Any) -> float:
        raise ValueError("I do not like it")


class SaysNan(Nasty):
    id = "says-nan"

    def act(self, material: Material, params: Any) -> float:
        return float("nan")


class LeavesChildren(Nasty):
    id = "leaves-children"

    def act(self, material: Material, params: Any) -> float:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        Path(params.file).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(300)
        return 0.0


class Sleeps(Nasty):
    id = "sleeps"

    def act(self, material: Material, params: Any) -> float:
        time.sleep(params.number)
        return params.number


class Draws(Nasty):
    id = "draws"

    def act(self, material: Material, params: Any) -> float:
        return float(material.rng().normal()) + params.number


class Counts(Nasty):
    """Adds a line to a file every time it is judged."""

    id = "counts"
    version = 1

    def act(self, material: Material, params: Any) -> float:
        assert material.use_case
        with Path(params.file).open("a") as file:
            file.write("judged\n")
        return 1.0
