"""One transaction at a time within a process; between processes the database itself takes turns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from roadworthy.domain.errors import ConflictError, StorageUnavailableError


class Turn:
    """A lock that says why it cannot be had.

    Waiting threads get it at once when it is free, where SQLite's own busy handler polls. A thread that already
    holds it would wait for itself for ever: it is refused instead.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the turn for a block.

        Raises:
            ConflictError: this thread is inside a transaction already.
            StorageUnavailableError: another thread did not finish its transaction within `wait_s` seconds.
        """
        me = threading.get_ident()
        if self._holder == me:
            raise ConflictError(
                "a transaction was begun inside another one",
                remedy="Pass the open transaction on, or begin the second after the first has ended.",
            )
        if not self._lock.acquire(timeout=self._wait_s):
            raise StorageUnavailableError(
                f"another thread has held the control store for {self._wait_s:g} s",
                remedy="Try again; keep slow work (training, scoring, network) outside transactions.",
                wait_s=self._wait_s,
            )
        self._holder = me
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()


class Open:
    """Whether a transaction may still be used; its parts share one."""

    def __init__(self) -> None:
        self._open = True

    def end(self) -> None:
        """From now on `check` refuses."""
        self._open = False

    def check(self) -> None:
        """Raises ConflictError after the block that began the transaction has ended."""
        if not self._open:
            raise ConflictError(
                "the transaction is over", remedy="Begin a new one: `with store.begin() as transaction:`."
            )
