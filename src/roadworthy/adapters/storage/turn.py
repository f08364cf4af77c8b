"""One writer at a time within a process, readers beside it; between processes the database itself takes turns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from roadworthy.domain.errors import ConflictError, StorageUnavailableError


class Turn:
    """A lock that says why it cannot be had.

    Waiting threads get it at once when it is free, where SQLite's own busy handler polls. A thread that is inside a
    transaction already is refused: a second writer would wait for itself for ever, and a reader would not see
    what the first one has written.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._inside: set[int] = set()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the turn for a block.

        Raises:
            ConflictError: this thread is inside a transaction already.
            StorageUnavailableError: another thread did not finish its transaction within `wait_s` seconds.
        """
        with self.beside():
            if not self._lock.acquire(timeout=self._wait_s):
                raise StorageUnavailableError(
                    f"another thread has held the control store for {self._wait_s:g} s",
                    remedy="Try again; keep slow work (training, scoring, network) outside transactions.",
                    wait_s=self._wait_s,
                )
            try:
                yield
            finally:
                self._lock.release()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Be inside a transaction for a block without holding the turn, as readers are.

        Raises:
            ConflictError: this thread is inside a transaction already.
        """
        me = threading.get_ident()
        if me in self._inside:
            raise ConflictError(
                "a transaction was begun inside another one",
                remedy="Pass the open transaction on, or begin the second after the first has ended.",
            )
        self._inside.add(me)
        try:
            yield
        finally:
            self._inside.discard(me)


class Open:
    """What a transaction may still be used for; its parts share one. `writes` is false for one that only reads."""

    def __init__(self, *, writes: bool = True) -> None:
        self._open = True
        self._writes = writes

    def end(self) -> None:
        """From now on `check` refuses."""
        self._open = False

    def check(self) -> None:
        """Raises ConflictError after the block that began the transaction has ended."""
        if not self._open:
            raise ConflictError(
                "the transaction is over", remedy="Begin a new one: `with store.begin() as transaction:`."
            )

    def check_writing(self, kind: str) -> None:
        """Raises ConflictError as `check` does, and in a transaction that only reads, naming the kind."""
        self.check()
        if not self._writes:
            raise ConflictError(
                f"a transaction that only reads was to write to '{kind}'",
                remedy="Write in `with store.begin() as transaction:`, and read there what the write depends on.",
                kind=kind,
            )
