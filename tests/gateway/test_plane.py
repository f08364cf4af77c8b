"""The request path: arms, hold-out, failures, the log before the answer, retries."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from roadworthy.adapters.decisions.memory import MemoryLog
from roadworthy.domain.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    StorageUnavailableError,
    UnavailableError,
)
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.serving import ArmRole, Decision, DecisionStatus
from roadworthy.gateway.plane import InProcessEndpoint
from roadworthy.gateway.request import Asked, Limits
from roadworthy.statistics.frame import Frame

UNITS = [f"customer-{i}" for i in range(5000)]


class FullDisk(MemoryLog):
    """A log that refuses while it is full."""

    def __init__(self) -> None:
        super().__init__()
        self.full = True

    def append(self, decisions: Sequence[Decision]) -> None:
        if self.full:
            raise StorageUnavailableError("the disk is full", remedy="Free it.")
        super().append(decisions)


def table(n: int) -> Frame:
    return Frame(
        {
            "age": np.arange(n) % 60 + 20,
            "balance": np.full(n, np.nan),
            "job": np.array(["clerk"] * n, dtype=object),
            "married": np.zeros(n, dtype=np.bool_),
        }
    )


def test_an_answer_carries_the_models_score_and_its_action(served_world: Any) -> None:
    answer = served_world.gateway.infer("offers", served_world.body([40, 20], ["u-1", "u-2"]))
    assert answer.scores == pytest.approx(expit([0.4, 0.2]))
    assert answer.acted == (True, True)
    assert (answer.arms, answer.versions, answer.revision) == (("champion",) * 2, ("v1",) * 2, 1)


def test_every_row_is_one_decision_with_its_inputs_and_the_callers_id(served_world: Any) -> None:
    served_world.gateway.infer("offers", served_world.body([40], ["u-1"], id="order-7"))
    [decision] = served_world.decisions()
    assert (decision.request_id, decision.unit_id, decision.version) == ("order-7", "u-1", "v1")
    assert decision.inputs == {"age": 40, "balance": None, "job": "clerk", "married": True}
    assert (decision.status, decision.propensity) == (DecisionStatus.SCORED, 1.0)
    assert decision.latency_ms > 0


def test_observed_arms_match_the_logged_propensities(world: Any) -> None:
    world.publish(world.canary(0.25, holdout=0.1))
    InProcessEndpoint(world.gateway, "offers").predict(table(5000), UNITS)
    decisions = world.decisions()
    chance = {d.arm: d.propensity for d in decisions}
    counts = Counter(d.arm for d in decisions)
    assert sum(chance.values()) == pytest.approx(1, abs=1e-12)
    assert stats.chisquare([counts[a] for a in chance], [5000 * p for p in chance.values()]).pvalue > 0.001


def test_a_held_out_row_has_no_score_and_gets_the_agreed_action(world: Any) -> None:
    world.publish(world.canary(0.25, holdout=0.2, holdout_acts=False))
    InProcessEndpoint(world.gateway, "offers").predict(table(300), UNITS[:300])
    held = [d for d in world.decisions() if d.status is DecisionStatus.HELD_OUT]
    assert 30 < len(held) < 100
    assert {(d.score, d.acted, d.version) for d in held} == {(None, False, "")}


def test_a_unit_gets_the_same_arm_in_every_request_and_face(world: Any) -> None:
    world.publish(world.canary(0.5))
    together = InProcessEndpoint(world.gateway, "offers").predict(table(40), UNITS[:40])[0].arms
    alone = tuple(world.gateway.infer("offers", world.body([30], [unit])).arms[0] for unit in UNITS[:40])
    assert together == alone


@pytest.mark.parametrize(("habit", "cause"), [("raises", "out of order"), ("nan", "not in 0..1")])
def test_a_failing_challenger_is_recorded_and_the_champion_answers(world: Any, habit: str, cause: str) -> None:
    world.publish(world.canary(0.5, habit))
    [answer] = InProcessEndpoint(world.gateway, "offers").predict(table(40), UNITS[:40])
    assert answer.scores == pytest.approx(expit((np.arange(40) + 20) / 100))
    assert answer.fallback == tuple(arm == "challenger" for arm in answer.arms)
    failed = [d for d in world.decisions() if d.arm == "challenger"]
    assert {(d.status, d.score, d.acted) for d in failed} == {(DecisionStatus.FAILED, None, True)}
    assert all(cause in d.error and "answered by the champion" in d.error for d in failed)


def test_a_failing_champion_is_unavailable_and_still_recorded(world: Any) -> None:
    world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0, "raises")))
    with pytest.raises(UnavailableError, match="out of order") as caught:
        world.gateway.infer("offers", world.body())
    assert caught.value.fields["reason"] == "model-failed"
    assert [d.status for d in world.decisions()] == [DecisionStatus.FAILED]


def test_a_failed_attempt_and_its_later_success_are_two_records(world: Any) -> None:
    world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0, "raises")))
    body = world.body(id="r-1")
    with pytest.raises(UnavailableError):
        world.gateway.infer("offers", body)
    world.models["v1"].habit = ""
    world.gateway.infer("offers", body)
    assert [d.status for d in world.decisions()] == [DecisionStatus.FAILED, DecisionStatus.SCORED]


def test_one_requests_poison_does_not_fail_its_neighbours(world: Any) -> None:
    world.publish(world.deployment(world.arm("v1", ArmRole.CHAMPION, 1.0, "poisoned")))
    served = world.gateway.resolve("offers")
    jobs = [world.gateway.admit(served, Asked(world.body([age], ["u"])), arrived=0.0) for age in (40, 66, 50)]
    first, poisoned, last = world.gateway.process(jobs)
    assert isinstance(poisoned, UnavailableError)
    assert (first.scores, last.scores) == (pytest.approx(expit([0.4])), pytest.approx(expit([0.5])))


def test_waiting_requests_are_predicted_together(served_world: Any) -> None:
    served = served_world.gateway.resolve("offers")
    bodies = [served_world.body([20 + i], [f"u-{i}"]) for i in range(5)]
    results = served_world.gateway.process(
        [served_world.gateway.admit(served, Asked(b), arrived=0.0) for b in bodies]
    )
    assert served_world.models["v1"].batches == [5]
    assert [r.scores[0] for r in results] == pytest.approx(expit((20 + np.arange(5)) / 100))


def test_nothing_is_answered_that_the_log_refused(make_world: Callable[..., Any]) -> None:
    world = make_world(log=FullDisk())
    world.publish()
    with pytest.raises(UnavailableError, match="disk is full") as caught:
        world.gateway.infer("offers", world.body())
    assert caught.value.fields["reason"] == "log-refused"
    world.log.full = False
    world.gateway.infer("offers", world.body())
    assert len(world.decisions()) == 1


def test_a_retry_is_answered_alike_and_recorded_once(world: Any) -> None:
    world.publish(world.canary(0.1))
    body = world.body([40], ["u-1"], id="r-1")
    first = world.gateway.infer("offers", body)
    world.publish(world.canary(1.0, revision=2))
    assert world.gateway.infer("offers", body) == first
    assert len(world.decisions()) == 1


def test_a_retry_in_another_process_is_recorded_once(make_world: Callable[..., Any]) -> None:
    log = MemoryLog()
    for world in (make_world(log=log), make_world(log=log)):
        world.publish()
        world.gateway.infer("offers", world.body([40], ["u-1"], id="r-1"))
    assert len(log.read("offers")) == 1


def test_a_retry_beside_the_first_attempt_gets_the_same_answer(served_world: Any) -> None:
    served = served_world.gateway.resolve("offers")
    body = served_world.body([40], ["u-1"], id="r-1")
    jobs = [served_world.gateway.admit(served, Asked(body), arrived=0.0) for _ in range(3)]
    assert len(set(served_world.gateway.process(jobs))) == 1
    assert served_world.models["v1"].batches == [1]


@pytest.mark.parametrize("change", [{"ages": [41]}, {"units": ["u-2"]}], ids=["other inputs", "another unit"])
def test_a_request_id_used_for_something_else_is_refused(served_world: Any, change: dict[str, Any]) -> None:
    served_world.gateway.infer("offers", served_world.body([40], ["u-1"], id="r-1"))
    with pytest.raises(ConflictError, match="r-1"):
        served_world.gateway.infer(
            "offers", served_world.body(**{"ages": [40], "units": ["u-1"], **change}, id="r-1")
        )
    assert len(served_world.decisions()) == 1


def test_the_memory_of_answers_is_bounded(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(remembered_rows=2))
    world.publish()
    for number in (1, 2, 3, 1):
        world.gateway.infer("offers", world.body(id=f"r-{number}"))
    assert world.models["v1"].batches == [1, 1, 1, 1]
    assert len(world.decisions()) == 3


def test_a_caller_cannot_choose_the_arm_by_naming_a_version(world: Any) -> None:
    world.publish(world.canary(0.5))
    arms = {unit: world.gateway.resolve("offers").assigner.assign(unit).arm for unit in UNITS[:20]}
    champions = next(u for u, arm in arms.items() if arm.version == "v1")
    assert world.gateway.infer("offers", world.body([30], [champions]), version="v1").versions == ("v1",)
    with pytest.raises(ConflictError, match="v1"):
        world.gateway.infer("offers", world.body([30], [champions]), version="v2")
    with pytest.raises(NotFoundError, match="v1, v2"):
        world.gateway.infer("offers", world.body([30], [champions]), version="v9")


def test_a_version_insisted_on_does_not_fall_back_to_another(world: Any) -> None:
    world.publish(world.canary(1.0, "raises"))
    with pytest.raises(UnavailableError, match="out of order"):
        world.gateway.infer("offers", world.body(), version="v2")


def test_a_challenger_with_a_new_column_fails_where_callers_do_not_send_it(world: Any) -> None:
    champion = world.arm("v1", ArmRole.CHAMPION, 0.0)
    wider = Signature((*champion.signature.inputs, ColumnSpec("income", DType.FP64)))
    challenger = world.arm("v2", ArmRole.CHALLENGER, 1.0)
    world.publish(world.deployment(champion, type(champion)(*[
        wider if name == "signature" else getattr(challenger, name) for name in challenger.__dataclass_fields__
    ])))  # fmt: skip
    assert world.gateway.infer("offers", world.body()).fallback == (True,)
    assert "income" in world.decisions()[0].error


def test_the_in_process_face_answers_in_batches_of_the_limit(make_world: Callable[..., Any]) -> None:
    world = make_world(Limits(rows_per_batch=100))
    world.publish()
    answers = InProcessEndpoint(world.gateway, "offers").predict(table(250), UNITS[:250])
    assert [len(a.scores) for a in answers] == [100, 100, 50]


def test_http_and_in_process_give_the_same_scores(served_world: Any) -> None:
    said = json.loads(served_world.infer(served_world.body([20, 21, 22], UNITS[:3])).content)
    [answer] = InProcessEndpoint(served_world.gateway, "offers").predict(table(3), UNITS[:3])
    assert said["outputs"][0]["data"] == list(answer.scores)


@pytest.mark.parametrize("ids", [{"unit_ids": ["u"]}, {"unit_ids": ["u", "w"], "request_ids": ["r", "r"]}])
def test_ids_that_do_not_match_the_rows_are_refused(served_world: Any, ids: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="ids"):
        InProcessEndpoint(served_world.gateway, "offers").predict(table(2), **ids)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="deadline_s"):
        Limits(deadline_s=0)
