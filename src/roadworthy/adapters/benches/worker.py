"""What runs in a judging process: take a workbench, then records, then checks, one at a time, and send findings back.

What comes from the parent is pickled; what goes back is JSON, so that nothing a model or a check may have done to
this process can make the parent run anything.
"""

from __future__ import annotations

import json
import pickle
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection

import msgspec
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from roadworthy.adapters.benches.bounds import die_with, memory_within
from roadworthy.checks.registry import registered
from roadworthy.checks.runner import broken
from roadworthy.domain.durable.bench import Judge, Workbench
from roadworthy.domain.gate import Finding, PlannedCheck

READY = b"ready"
"""Sent once, when everything is imported."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the parent asks: take these records (pickled), judge this check, or let go of what was loaded."""

    records: bytes = b""
    check: PlannedCheck | None = None


def main(channel: int, lifeline: int) -> None:
    """Serve orders from the descriptor `channel` until its other end is closed."""
    die_with(lifeline)
    with Connection(channel) as parent:
        sys.path[:] = json.loads(parent.recv_bytes())
        workbench: Workbench = pickle.loads(parent.recv_bytes())  # noqa: S301 - from our own parent
        registered()
        # The pool runs one process per core: a check that also spreads over all cores would wait for itself.
        with threadpool_limits(limits=1):
            parent.send_bytes(READY)
            _serve(parent, workbench)


def _serve(parent: Connection, workbench: Workbench) -> None:
    judge: Judge = _nothing
    with ExitStack() as opened:
        while True:
            try:
                order: Order = pickle.loads(parent.recv_bytes())  # noqa: S301 - from our own parent
            except (EOFError, OSError):
                return
            if order.check is not None:
                parent.send_bytes(_answer(judge, order.check))
                continue
            judge = _nothing
            opened.close()
            if order.records:
                judge = _opened(workbench, order.records, opened)


def _opened(workbench: Workbench, records: bytes, stack: ExitStack) -> Judge:
    try:
        known = pickle.loads(records)  # noqa: S301 - from our own parent
        return stack.enter_context(workbench.open(known))
    except Exception as problem:  # noqa: BLE001 - told of every check that needs it
        cause = problem

        def cannot(planned: PlannedCheck) -> Finding:
            return broken(planned, cause)

        return cannot


def _answer(judge: Judge, planned: PlannedCheck) -> bytes:
    try:
        with memory_within(planned.limits.memory_mib):
            finding = judge(planned)
        return msgspec.json.encode(finding)
    except Exception as problem:  # noqa: BLE001 - also a finding that JSON has no words for
        return msgspec.json.encode(broken(planned, problem))


def _nothing(planned: PlannedCheck) -> Finding:
    return broken(planned, RuntimeError("no records were given"))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
