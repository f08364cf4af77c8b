"""What keeps a judging process within bounds: it dies with the process it works for, and may use only so much memory.

Linux does both in the kernel, so that they hold while a library computes without ever letting Python run. Elsewhere
the end of the parent is noticed by a thread, and memory is not limited.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20
_STATUS = Path("/proc/self/status")


def die_with(lifeline: int) -> None:
    """End this process's group when the other end of a pipe is closed, which the end of its owner does."""
    if hasattr(fcntl, "F_SETOWN") and hasattr(os, "O_ASYNC"):
        # SIGIO's default action ends a process; the kernel sends it to the group, children included.
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


@contextmanager
def memory_within(mib: int) -> Iterator[None]:
    """Let this process have at most `mib` MiB of data more than it has now; beyond that, allocating fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    used = data_bytes()
    if used is not None:
        wanted = used + mib * MIB
        resource.setrlimit(
            resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def data_bytes() -> int | None:
    """The size of this process's private writable memory; None where the system does not say."""
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return None
