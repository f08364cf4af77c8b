"""The queue of plain rows of one endpoint: rows that came in one turn of the event loop are answered together.

While a batch is predicted and written, the rows that come in wait and are the next one; nothing waits for a timer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from roadworthy.domain.errors import RoadworthyError
from roadworthy.gateway.express.line import Row

Said = bytes | RoadworthyError | None
Answers = Callable[[Sequence[Row]], list[Said]]


class QuickLane:
    """Rows of one short way, answered on one thread. Belongs to one event loop.

    Parameters:
        answers: answers rows together.
        thread: where it is called.
        most: rows in one batch.
        late: what a row gets that waited longer than `deadline_s` seconds.
        count: told, after each batch, the seconds from arrival of what was answered, and how many rows wait.
    """

    def __init__(
        self,
        answers: Answers,
        thread: Executor,
        most: int,
        deadline_s: float,
        late: Callable[[], RoadworthyError],
        count: Callable[[Sequence[float], int], None],
    ) -> None:
        self._answers = answers
        self._thread = thread
        self._most = most
        self._deadline_s = deadline_s
        self._late = late
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Row, asyncio.Future[Said]]] = deque()
        self._due: deque[tuple[float, asyncio.Future[Said]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False

    @property
    def rows(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def submit(self, row: Row) -> asyncio.Future[Said]:
        """The answer to come: a body, an error, or None where the long way must look at the request."""
        loop = self._loop
        future: asyncio.Future[Said] = loop.create_future()
        self._waiting.append((row, future))
        self._due.append((loop.time() + self._deadline_s, future))
        if self._timer is None:
            self._timer = loop.call_at(self._due[0][0], self._expire)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start)
        return future

    def _start(self) -> None:
        batch: list[tuple[Row, asyncio.Future[Said]]] = []
        while self._waiting and len(batch) < self._most:
            entry = self._waiting.popleft()
            if not entry[1].done():  # nobody waits any more: what was not yet predicted never is
                batch.append(entry)
        if batch:
            self._thread.submit(self._work, batch)
        else:
            self._busy = False

    def _work(self, batch: list[tuple[Row, asyncio.Future[Said]]]) -> None:
        said: list[Said] | Exception
        try:
            said = self._answers([row for row, _ in batch])
        except Exception as error:  # noqa: BLE001 - a defect must reach its callers instead of leaving them waiting
            said = error
        self._loop.call_soon_threadsafe(self._finish, batch, said)

    def _finish(self, batch: list[tuple[Row, asyncio.Future[Said]]], said: list[Said] | Exception) -> None:
        now, seconds = time.perf_counter(), []
        for number, (row, future) in enumerate(batch):
            if future.done():
                continue
            if isinstance(said, Exception):
                future.set_exception(said)
                continue
            future.set_result(said[number])
            if isinstance(said[number], bytes):
                seconds.append(now - row.arrived)
        self._count(seconds, len(self._waiting))
        due = self._due
        while due and due[0][1].done():
            due.popleft()
        self._start()

    def _expire(self) -> None:
        """Tell those who waited too long; what is being predicted for them may still be recorded."""
        self._timer, now = None, self._loop.time()
        while self._due and (self._due[0][1].done() or self._due[0][0] <= now):
            _, future = self._due.popleft()
            if not future.done():
                future.set_result(self._late())
        if self._due:
            self._timer = self._loop.call_at(self._due[0][0], self._expire)
