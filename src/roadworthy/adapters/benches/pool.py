"""`PoolBench`: checks judged in processes of their own, several at once, each within its limits of time and memory.

A process that hangs, crashes or is killed takes one finding with it and is replaced; the gate's own process only
waits on pipes. Workers are plain child processes (no fork of a threaded server, no import of its main module), each
the leader of a process group, so that ending one also ends the training or conversion it had started.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait

import msgspec

from roadworthy.adapters.benches.worker import READY, Order
from roadworthy.checks.runner import stopped
from roadworthy.domain.durable.bench import CheckEvent, Judging, Workbench
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.gate import Finding, PlannedCheck

START_S = 120.0
"""Longest a new process may take until it has imported everything."""

STARTS = 3
"""So many processes in a row may fail to start before judging is given up."""


class PoolBench:
    """Up to `workers` processes, started when first needed and kept until `close`."""

    def __init__(self, workbench: Workbench, workers: int) -> None:
        self._workbench = pickle.dumps(workbench)
        self._limit = max(1, workers)
        self._free = threading.Condition()
        self._workers: list[Worker] = []
        self._idle: list[Worker] = []
        self._closed = False

    @contextmanager
    def judge(self, records: object, planned: Sequence[PlannedCheck]) -> Iterator[Judging]:
        """Begin judging; whatever still runs when the block ends is killed."""
        judging = _Judging(self, pickle.dumps(records), planned)
        try:
            yield judging
        finally:
            judging.stop()

    def close(self) -> None:
        """Kill every process and wait for its end."""
        with self._free:
            self._closed = True
            ending, self._workers, self._idle = self._workers, [], []
            self._free.notify_all()
        for worker in ending:
            worker.kill()

    def pids(self) -> tuple[int, ...]:
        """The processes there are now."""
        with self._free:
            return tuple(w.pid for w in self._workers)

    def take(self) -> Worker | None:
        """A process nobody uses, or None while all are used."""
        with self._free:
            if self._closed:
                raise UnavailableError("the check bench is closed", remedy="The gate goes on at the next start.")
            if self._idle:
                return self._idle.pop()
            if len(self._workers) >= self._limit:
                return None
            worker = Worker(self._workbench)
            self._workers.append(worker)
            return worker

    def give_back(self, worker: Worker) -> None:
        """Let others use it."""
        with self._free:
            if worker in self._workers:
                self._idle.append(worker)
                self._free.notify_all()

    def drop(self, worker: Worker) -> None:
        """End it; another is started when one is needed."""
        worker.kill()
        with self._free:
            if worker in self._workers:
                self._workers.remove(worker)
                self._free.notify_all()

    def wait_for_one(self, wait_s: float) -> None:
        """Wait until a process may be free."""
        with self._free:
            if not self._idle and len(self._workers) >= self._limit:
                self._free.wait(wait_s)


class Worker:
    """One judging process, its channel, and whether it has said that it is ready."""

    def __init__(self, workbench: bytes) -> None:
        ours, theirs = socket.socketpair()
        lifeline, self._alive = os.pipe()
        with theirs:
            command = [sys.executable, "-m", "roadworthy.adapters.benches.worker"]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
                [*command, str(theirs.fileno()), str(lifeline)],
                pass_fds=(theirs.fileno(), lifeline),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        os.close(lifeline)
        self.channel = Connection(ours.detach())
        self.ready = False
        self.records = b""
        self._lock = threading.Lock()
        self._say(json.dumps(sys.path).encode())
        self._say(workbench)

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    def ask(self, records: bytes, check: PlannedCheck) -> None:
        """Have it judge a check over these records."""
        if records is not self.records:
            self._say(pickle.dumps(Order(records=records)))
            self.records = records
        self._say(pickle.dumps(Order(check=check)))

    def forget(self) -> None:
        """Have it let go of the records and all it made of them."""
        self.records = b""
        self._say(pickle.dumps(Order()))

    def kill(self) -> None:
        """End its whole group and take its leave; may be called twice."""
        with self._lock:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
                self.channel.close()
                os.close(self._alive)

    def _say(self, message: bytes) -> None:
        # Where it has ended already, its channel says so to whoever waits for its answer.
        with suppress(OSError):
            self.channel.send_bytes(message)


class _Judging:
    """One run's checks: who judges which, until when, and what has come back."""

    def __init__(self, pool: PoolBench, records: bytes, planned: Sequence[PlannedCheck]) -> None:
        self._pool = pool
        self._records = records
        self._waiting = deque(planned)
        self._busy: dict[Worker, tuple[PlannedCheck, float]] = {}
        self._events: deque[CheckEvent] = deque()
        self._failed_starts = 0

    def next(self, wait_s: float) -> CheckEvent | None:
        """What happened next; see `ports`."""
        until = time.monotonic() + wait_s
        while True:
            self._assign()
            if self._events:
                return self._events.popleft()
            if not self._busy and not self._waiting:
                return None
            self._collect(max(0.0, until - time.monotonic()))
            if not self._events and time.monotonic() >= until:
                return None

    def stop(self) -> None:
        """Kill what runs; nothing more is judged."""
        self._waiting.clear()
        for worker in list(self._busy):
            self._pool.drop(worker)
        self._busy.clear()

    def _assign(self) -> None:
        while self._waiting:
            worker = self._pool.take()
            if worker is None:
                return
            self._hand(worker)

    def _hand(self, worker: Worker) -> None:
        check = self._waiting.popleft()
        worker.ask(self._records, check)
        if worker.ready:
            self._begin(worker, check)
        else:
            self._busy[worker] = (check, time.monotonic() + START_S)

    def _begin(self, worker: Worker, check: PlannedCheck) -> None:
        self._busy[worker] = (check, time.monotonic() + check.limits.time_s)
        self._events.append(CheckEvent(check))

    def _collect(self, wait_s: float) -> None:
        if not self._busy:
            self._pool.wait_for_one(wait_s)
            return
        nearest = min(deadline for _, deadline in self._busy.values())
        channels = {w.channel: w for w in self._busy}
        for channel in wait(list(channels), max(0.0, min(wait_s, nearest - time.monotonic()))):
            self._hear(channels[channel])  # type: ignore[index] # `wait` gives back what it was given
        now = time.monotonic()
        for worker, (check, deadline) in list(self._busy.items()):
            if now >= deadline:
                self._lose(worker, check, "time-limit")

    def _hear(self, worker: Worker) -> None:
        check, _ = self._busy[worker]
        try:
            said = worker.channel.recv_bytes()
        except (EOFError, OSError):
            self._lose(worker, check, "crashed")
            return
        if said == READY:
            worker.ready, self._failed_starts = True, 0
            self._begin(worker, check)
            return
        del self._busy[worker]
        self._events.append(CheckEvent(check, msgspec.json.decode(said, type=Finding)))
        if self._waiting:
            self._hand(worker)
        else:
            worker.forget()
            self._pool.give_back(worker)

    def _lose(self, worker: Worker, check: PlannedCheck, why: str) -> None:
        del self._busy[worker]
        self._pool.drop(worker)
        if worker.ready:
            self._events.append(CheckEvent(check, stopped(check, why)))
            return
        self._waiting.appendleft(check)
        self._failed_starts += 1
        if self._failed_starts >= STARTS:
            raise UnavailableError(
                f"no process that judges checks could be started ({STARTS} attempts)",
                remedy="See the server's log; with the setting `check_workers = 0` the server judges by itself.",
            )
