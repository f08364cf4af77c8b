"""The pages' own thread and event loop, one per process, shared by every house that is open in it.

NiceGUI keeps its state in the module: one loop per process is what it can live with. Giving it a thread of its own
lets any number of houses be open at once or one after the other, and drawing a page never holds up a decision that
the gateway is answering on the server's loop.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui

from roadworthy.domain.errors import UnavailableError

START_S = 30.0
"""Longest wait for the pages' loop to start."""

STOP_S = 5.0
"""Longest wait for it to end with the process."""

FAVICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='7' fill='%231d4ed8'/%3E%3Cpath d='M8 17l5 5 11-12' fill='none'"
    " stroke='white' stroke-width='4' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
)
"""A tick on blue, inside the page: nothing is fetched for it."""

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class PageLoop:
    """NiceGUI, started at the first request and ended with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection: the page runs over there, its messages travel through this connection's loop."""
        here = asyncio.get_running_loop()

        async def receive_here() -> Message:
            return await across(receive_now(), here)

        async def receive_now() -> Message:
            return await receive()

        async def send_here(message: Message) -> None:
            await across(send_now(message), here)

        async def send_now(message: Message) -> None:
            await send(message)

        await self.run(nicegui_app(scope, receive_here, send_here))

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the pages' loop and wait for it."""
        return await across(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                ready = threading.Event()
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._live(ready)), name="pages", daemon=True
                )
                self._thread.start()
                if not ready.wait(START_S) or self._loop is None:
                    raise UnavailableError("the pages did not start", remedy="See the log above for the reason.")
                atexit.register(self._end)
            return self._loop

    async def _live(self, ready: threading.Event) -> None:
        ui.run_with(FastAPI(), title="Roadworthy", favicon=FAVICON, dark=None, show_welcome_message=False,
                    tailwind=False, reconnect_timeout=5.0)  # fmt: skip
        self._stop = asyncio.Event()
        async with nicegui_app.router.lifespan_context(nicegui_app):
            self._loop = asyncio.get_running_loop()
            ready.set()
            await self._stop.wait()

    def _end(self) -> None:
        loop, stop, thread = self._loop, self._stop, self._thread
        if loop is not None and stop is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
            thread.join(STOP_S)


async def across(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """Run a coroutine on another thread's loop and wait for it here; cancelling one cancels the other."""
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError as closed:
        work.close()
        raise ConnectionError("the other side has closed") from closed
    return await asyncio.wrap_future(future)


PAGES = PageLoop()
"""The one of this process."""
