"""One call in a process of its own: what a stranger's model does to that process costs the caller an error.

The call is pickled by us and for us; its answer comes back as JSON, so that nothing the model may have done to the
process can make the caller run anything.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable

from roadworthy.adapters.benches.bounds import die_with, memory_within
from roadworthy.adapters.failures import rebuild, record
from roadworthy.domain.errors import ModelRaisedError
from roadworthy.domain.gate import Limits


def run_apart(call: Callable[[], object], limits: Limits) -> None:
    """Make a call that can be pickled, for what it may raise: its errors are raised here again.

    Raises:
        ModelRaisedError: it took too long, or its process ended without an answer.
    """
    lifeline, alive = os.pipe()
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
        [sys.executable, "-m", "roadworthy.adapters.benches.apart", str(lifeline)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(lifeline,),
        start_new_session=True,
    )
    os.close(lifeline)
    paths = json.dumps(sys.path).encode() + b"\n"
    try:
        said, _ = process.communicate(paths + pickle.dumps((call, limits.memory_mib)), limits.time_s)
    except subprocess.TimeoutExpired as problem:
        raise ModelRaisedError(
            f"the model was tried for {limits.time_s:g} s and did not answer",
            remedy="Hand in one that answers within seconds on some rows of its training data.",
        ) from problem
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        os.close(alive)
    if process.returncode != 0 or not said:
        raise ModelRaisedError(
            f"the model ended the process in which it was tried without an answer (exit code {process.returncode})",
            remedy="Load it and predict some rows of its training data where it was made.",
        )
    failure = json.loads(said)
    if failure is not None:
        raise rebuild(failure)


def main() -> None:
    """Make the call that comes in, and write what it raised, or null; end when the caller does."""
    die_with(int(sys.argv[1]))
    paths, _, message = sys.stdin.buffer.read().partition(b"\n")
    sys.path[:] = json.loads(paths)
    call, memory_mib = pickle.loads(message)  # noqa: S301 - from our own parent
    # What a model prints is not the answer.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    failure = None
    try:
        with memory_within(memory_mib):
            call()
    except MemoryError:
        said = f"the model needed more than {memory_mib} MiB of memory on some rows"
        failure = record(ModelRaisedError(said, remedy="Hand in a smaller model."))
    except Exception as problem:  # noqa: BLE001 - raised again by the parent
        failure = record(problem)
    with answer:
        json.dump(failure, answer)


if __name__ == "__main__":
    main()
