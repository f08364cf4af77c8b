"""What serves: only what verified, exchanged while requests go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roadworthy.domain.errors import NotFoundError, StorageUnavailableError, UnavailableError
from roadworthy.domain.serving import ArmRole
from roadworthy.gateway.resolve import Health


def versions(world: Any) -> list[str]:
    return [loaded.arm.version for loaded in world.gateway.resolve("offers").arms.values()]


def health(world: Any) -> Health:
    found: Health = world.gateway.resolver.endpoint_health("offers").health
    return found


def test_an_endpoint_without_a_document_is_not_found(world: Any) -> None:
    with pytest.raises(NotFoundError, match="offers"):
        world.gateway.resolve("offers")
    assert world.gateway.resolver.known == frozenset()


@pytest.mark.parametrize("name", ["", ".", "../etc", "a/b", "a\\b", "a\x00", "x" * 300])
def test_a_name_that_cannot_be_an_endpoint_is_not_looked_up(world: Any, name: str) -> None:
    with pytest.raises(NotFoundError):
        world.gateway.resolve(name)


def test_a_document_that_does_not_verify_serves_nothing(world: Any) -> None:
    world.configurations.publish("offers", b"0" * 64 + b"{}")
    with pytest.raises(UnavailableError, match="was changed") as caught:
        world.gateway.resolve("offers")
    assert caught.value.fields["reason"] == "not-verified"
    assert health(world) is Health.BROKEN


def test_the_last_verified_deployment_serves_on_when_a_new_document_is_refused(served_world: Any) -> None:
    assert versions(served_world) == ["v1"]
    served_world.configurations.publish("offers", b"0" * 64 + b"{}")
    assert versions(served_world) == ["v1"]
    assert health(served_world) is Health.DEGRADED
    assert served_world.gateway.metrics.reloads_refused.value("offers", "signature-wrong") == 1
    assert served_world.gateway.metrics.degraded.value("offers") == 1


def test_a_mended_document_is_taken_up_and_the_endpoint_recovers(served_world: Any) -> None:
    versions(served_world)
    served_world.configurations.publish("offers", b"0" * 64 + b"{}")
    versions(served_world)
    served_world.publish(served_world.deployment(served_world.arm("v1", ArmRole.CHAMPION, 1.0), revision=2))
    assert served_world.gateway.resolve("offers").deployment.revision == 2
    assert health(served_world) is Health.SERVING
    assert served_world.gateway.metrics.degraded.value("offers") == 0


def test_a_refused_document_is_tried_again_after_a_while_not_at_every_request(world: Any) -> None:
    arm = world.arm("v1", ArmRole.CHAMPION, 1.0)
    world.publish(world.deployment(replace(arm, artifact="0" * 64)))
    for _ in range(3):
        assert health(world) is Health.BROKEN
    world.clock.advance(timedelta(seconds=6))
    assert health(world) is Health.BROKEN
    assert world.gateway.metrics.reloads_refused.value("offers", "not-found") == 2


def test_a_rollback_needs_no_loading_and_is_in_force_at_once(world: Any) -> None:
    loads: list[int] = []
    world.on_load = lambda: loads.append(1)
    world.publish(world.canary(0.5))
    versions(world)
    world.publish(world.canary(0.0, revision=2))
    assert world.gateway.resolve("offers").deployment.revision == 2
    assert len(loads) == 2


def test_a_new_version_is_loaded_beside_the_serving_one(served_world: Any) -> None:
    versions(served_world)
    go = threading.Event()
    served_world.on_load = lambda: go.wait(10)
    served_world.publish(served_world.canary(0.5, id="d-2"))
    assert versions(served_world) == ["v1"]
    go.set()
    served_world.gateway.resolver.settle()
    assert versions(served_world) == ["v1", "v2"]


def test_a_version_that_does_not_load_leaves_the_serving_one(served_world: Any) -> None:
    versions(served_world)

    def broken() -> None:
        raise MemoryError("too large")

    served_world.on_load = broken
    served_world.publish(served_world.canary(0.5, id="d-2"))
    versions(served_world)
    served_world.gateway.resolver.settle()
    assert versions(served_world) == ["v1"]
    assert "too large" in served_world.gateway.resolver.endpoint_health("offers").reason


def test_a_document_signed_for_another_endpoint_is_refused(served_world: Any) -> None:
    other = served_world.deployment(served_world.arm("v7", ArmRole.CHAMPION, 1.0), endpoint="loans")
    versions(served_world)
    served_world.publish(other)
    served_world.configurations.publish("offers", served_world.configurations.read("loans"))
    assert versions(served_world) == ["v1"]
    assert health(served_world) is Health.DEGRADED


def test_an_older_revision_is_not_taken_back_into_force(world: Any) -> None:
    world.publish(world.canary(0.5, revision=3))
    versions(world)
    world.publish(world.canary(1.0, revision=2))
    assert world.gateway.resolve("offers").deployment.revision == 3
    assert health(world) is Health.DEGRADED


def test_an_older_deployment_is_not_taken_back_into_force(served_world: Any) -> None:
    old = served_world.configurations.read("offers")
    served_world.clock.advance(timedelta(hours=1))
    served_world.publish(served_world.canary(0.5, id="d-2"))
    assert versions(served_world) == ["v1", "v2"]
    served_world.configurations.publish("offers", old)
    assert versions(served_world) == ["v1", "v2"]
    assert health(served_world) is Health.DEGRADED


def test_a_lost_configuration_store_does_not_stop_serving(
    served_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions(served_world)

    def gone(endpoint: str) -> str:
        raise StorageUnavailableError("no such folder", remedy="Mount it.")

    monkeypatch.setattr(served_world.configurations, "stamp", gone)
    assert versions(served_world) == ["v1"]


def test_a_withdrawn_document_leaves_the_endpoint_degraded(
    served_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions(served_world)
    monkeypatch.setattr(served_world.configurations, "stamp", lambda _: "")
    monkeypatch.setattr(served_world.configurations, "read", lambda _: None)
    assert versions(served_world) == ["v1"]
    assert health(served_world) is Health.DEGRADED


def test_two_threads_load_a_first_deployment_once(make_world: Callable[..., Any]) -> None:
    world = make_world()
    loads: list[int] = []
    world.on_load = lambda: loads.append(1)
    world.publish()
    threads = [threading.Thread(target=world.gateway.resolve, args=("offers",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(loads) == 1


def test_an_inconsistent_but_signed_deployment_is_not_served(world: Any) -> None:
    world.publish(world.deployment(world.arm("v1", ArmRole.CHALLENGER, 1.0)))
    with pytest.raises(UnavailableError, match="0 champions"):
        world.gateway.resolve("offers")


def test_an_arm_without_a_signature_is_not_served(world: Any) -> None:
    world.publish(world.deployment(replace(world.arm("v1", ArmRole.CHAMPION, 1.0), signature=None)))
    with pytest.raises(UnavailableError, match="no signature"):
        world.gateway.resolve("offers")
