"""A gate that runs while somebody looks: the page follows it check by check, and shows when it was cancelled."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from small_playbooks import CHEAP
from small_world import V1, World, at

from roadworthy.apps.background import BackgroundServer
from roadworthy.domain import faults
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.services.gates.interventions import cancel_gate
from roadworthy.services.gates.run import start_gate
from roadworthy.web.api.app import build_api
from roadworthy.web.ui.pages import mount_pages

LOCAL = "the-local-token"


class Held:
    """A gate carried out in a thread of its own, held after each finding until it is let on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._may = threading.Semaphore(0)
        self.run: GateRun = start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))
        faults.arm("gate.finding-kept", lambda: self._may.acquire(timeout=60))
        self._thread = threading.Thread(target=self._carry_out, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def let_on(self, findings: int) -> None:
        self._may.release(findings)

    def wait(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _carry_out(self) -> None:
        self._world.house.engine.run("gate", self.run.id, {"run": self.run.id})


@pytest.fixture
def watched_gate(browser: Browser) -> Iterator[tuple[World, Page, Held]]:
    world = at("registered")
    held = Held(world)
    api = build_api(world.house, LOCAL, "admin")
    mount_pages(api, world.house)
    with BackgroundServer(api) as server:
        context = browser.new_context(base_url=server.url)
        page = context.new_page()
        page.goto(f"/versions/{V1}?token={LOCAL}")
        expect(page.get_by_text("still running: 0 of 9 checks done")).to_be_visible()
        yield world, page, held
        held.let_on(100)
        context.close()


def test_the_page_follows_a_running_gate_without_being_loaded_again(watched_gate: tuple[World, Page, Held]) -> None:
    world, page, held = watched_gate
    page.evaluate("window.loadedOnce = true")
    held.begin()
    expect(page.get_by_text("still running: 1 of 9 checks done")).to_be_visible()
    expect(page.get_by_role("article", name="V1 kpi-contract: pass")).to_be_visible()
    held.let_on(100)
    held.wait()
    expect(page.get_by_text("still running")).to_have_count(0)
    expect(page.get_by_role("article", name="V9 independent-validator: pass")).to_be_visible()
    assert page.evaluate("window.loadedOnce")
    assert world.all(GateRun)[0].verdict is not None


def test_the_page_shows_who_cancelled_a_gate_and_why(watched_gate: tuple[World, Page, Held]) -> None:
    world, page, held = watched_gate
    held.begin()
    expect(page.get_by_text("still running: 1 of 9 checks done")).to_be_visible()
    cancel_gate(world.house, world.who("dan"), held.run.id, "the wrong sealed data")
    expect(page.get_by_text("It was ended (cancelled) by dan: the wrong sealed data.")).to_be_visible()
    expect(page.locator("#why")).to_contain_text("cancelled")
