"""What runs beside the main thread: an ASGI application behind a real socket, and work that is done again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from roadworthy.apps.listening import bind

log = logging.getLogger(__name__)

STOP_S = 15.0
"""Longest wait for a server to finish what it began."""


class BackgroundServer:
    """Serves from `__enter__` to `__exit__`; connections are accepted from the first moment."""

    def __init__(self, app: Any, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = bind(host, port)
        self.host = host
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, ws="websockets-sansio", timeout_graceful_shutdown=3
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=f"server-{self.port}", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> BackgroundServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish what was begun and let go of the port."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._socket.close()

    def wait(self) -> None:
        """Wait until the server ends."""
        self._thread.join()


class Ticker:
    """Calls `work` every `every_s` seconds from `__enter__` to `__exit__`, in a thread of its own.

    What it raises is logged and does not end it: the next tick tries again.
    """

    def __init__(self, work: Callable[[], object], every_s: float, name: str) -> None:
        self._work, self._every_s = work, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(self._every_s + 10.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except Exception:  # whatever it was: the next tick finds the same things still to do
                log.exception("the tick '%s' failed; it is tried again in %g s", self._thread.name, self._every_s)
            self._stop.wait(self._every_s)
