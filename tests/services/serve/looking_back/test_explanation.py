"""Explanations: the right numbers, as much of them as the asker may see, and "could not explain" where it is so."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import shap
from simulated_offers import artifact, simulate
from small_world import ENDPOINT, V1, World, at

from roadworthy.domain.errors import NotAllowedError, NotFoundError
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.serving import Decision, DecisionStatus
from roadworthy.domain.verdict import Verdict
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.gates.scoring import scorer
from roadworthy.services.serve.looking_back.explanation import BACKGROUND_ROWS, Explanation, Level, explain
from roadworthy.services.serve.looking_back.replay import inputs_of
from roadworthy.statistics.frame import Frame


@lru_cache(maxsize=1)
def _asked() -> World:
    world = at("serving")
    gateway = world.gateway()
    for i in range(20):
        world.ask(gateway, simulate(20, 8)[0].take(np.array([i])), [f"r{i}"])
    gateway.close()
    return world


@pytest.fixture
def world() -> World:
    return _asked().fork()


def scored(world: World, status: DecisionStatus = DecisionStatus.SCORED) -> Decision:
    return next(d for d in world.house.decisions.read(ENDPOINT) if d.status is status)


def told(world: World, name: str, key: str) -> Explanation:
    (found,) = explain(world.house, world.who(name), key)
    return found


def relogged(world: World, decision: Decision, **about: object) -> str:
    changed = replace(decision, id="0" * 32, request_id="changed", **about)
    world.house.decisions.append([changed])
    return changed.request_id


def test_the_numbers_are_those_of_the_shap_library(world: World) -> None:
    decision, version = scored(world), world.version(V1)
    found = told(world, "vera", decision.request_id)
    dataset = next(d for d in world.all(Dataset) if d.role is DatasetRole.TRAIN)
    frame, _ = load_dataset(world.house, dataset, world.use_case_now())
    drawn = np.random.default_rng(int(dataset.digest[:16], 16)).choice(frame.n_rows, BACKGROUND_ROWS, replace=False)
    background = frame.take(np.sort(drawn)).select(version.signature.names)
    own = inputs_of(decision, version)
    score = scorer(world.house, version)
    channels = sorted({*background["channel"], *own["channel"]})

    def coded(f: Frame) -> np.ndarray:
        kinds = [np.array([channels.index(v) for v in f["channel"]]), f["age"], f["balance"], f["visits"]]
        return np.column_stack([np.asarray(k, dtype=np.float64) for k in kinds])

    def by_code(x: np.ndarray) -> np.ndarray:
        text = np.array([channels[int(c)] for c in x[:, 0]], dtype=object)
        return score(Frame({"age": x[:, 1], "balance": x[:, 2], "visits": x[:, 3], "channel": text}))

    masker = shap.maskers.Independent(coded(background), max_samples=BACKGROUND_ROWS)
    answer = shap.explainers.Exact(by_code, masker)(coded(own))
    expected = dict(zip(("channel", "age", "balance", "visits"), answer.values[0], strict=True))
    assert {r.column: r.value for r in found.reasons} == pytest.approx(expected, abs=1e-9)
    assert found.base == pytest.approx(float(np.ravel(answer.base_values)[0]), abs=1e-9)


def test_whoever_may_explain_in_full_sees_every_number_and_they_sum_to_the_score(world: World) -> None:
    decision = scored(world)
    for name in ("dan", "vera", "rita", "ada", "admin"):
        found = told(world, name, decision.request_id)
        assert (found.verdict, found.level, found.hidden, found.exact) == (Verdict.PASS, Level.FULL, "", True)
        assert found.score == pytest.approx(decision.score)
        assert found.base + sum(r.value for r in found.reasons) == pytest.approx(decision.score)
        assert {r.column: r.given for r in found.reasons} == decision.inputs
        assert [abs(r.value) for r in found.reasons] == sorted((abs(r.value) for r in found.reasons), reverse=True)


def test_everybody_else_sees_the_main_reasons_and_what_is_hidden(world: World) -> None:
    decision = scored(world)
    full = told(world, "vera", decision.request_id)
    for name in ("omar", "olga"):
        found = told(world, name, decision.request_id)
        assert found.level is Level.REASONS
        assert (found.score, found.base, found.exact, found.background) == (None, None, None, "")
        assert all((r.value, r.low, r.high) == (None, None, None) for r in found.reasons)
        assert [(r.column, r.raises) for r in found.reasons] == [(r.column, r.raises) for r in full.reasons[:3]]
        assert "explain-in-full" in found.hidden
        assert not any(letter.isdigit() for letter in found.message)


def test_a_policy_may_keep_explanations_from_a_role(world: World) -> None:
    rules = world.house.policy.text
    rules += '\nforbid (principal in Role::"operator", action == Action::"explain", resource);\n'
    world.house.policy.replace(rules, "stricter")
    with pytest.raises(NotAllowedError, match="may not explain"):
        told(world, "omar", scored(world).request_id)


def test_asking_again_gives_the_same_answer(world: World) -> None:
    key = scored(world).request_id
    assert told(world, "vera", key) == told(world, "vera", key)


@pytest.mark.parametrize("about", ["left out", "emptied"])
def test_a_redacted_input_is_could_not_explain_and_is_named(world: World, about: str) -> None:
    decision = scored(world)
    inputs = {k: v for k, v in decision.inputs.items() if k != "age"} | (
        {"age": None} if about == "emptied" else {}
    )
    found = told(world, "vera", relogged(world, decision, inputs=inputs))
    assert (found.verdict, found.reasons, found.score) == (Verdict.INCONCLUSIVE, (), None)
    assert "does not hold its age (any more): redacted or erased" in found.message


def test_a_pseudonym_in_place_of_an_input_is_could_not_explain(world: World) -> None:
    decision = scored(world)
    for column in ("age", "channel"):
        key = relogged(world, decision, inputs={**decision.inputs, column: "h:8f1c"})
        assert told(world, "vera", key).verdict is Verdict.INCONCLUSIVE
        world.house.decisions._decisions.pop()


def test_what_does_not_give_the_logged_score_is_not_explained(world: World) -> None:
    decision = scored(world)
    with world.house.store.begin() as tx:
        version = tx.of(ModelVersion).get(V1)
        other = world.house.artifacts.put(artifact("upside_down"))
        tx.of(ModelVersion).replace(version, replace(version, artifact=other))
    found = told(world, "vera", decision.request_id)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "was logged" in found.message


def test_a_held_out_customer_has_no_score_to_explain(world: World) -> None:
    found = told(world, "vera", scored(world, DecisionStatus.HELD_OUT).request_id)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "no model scored it" in found.message


def test_training_data_that_are_gone_cannot_explain(world: World) -> None:
    dataset = next(d for d in world.all(Dataset) if d.role is DatasetRole.TRAIN)
    kept = world.house.artifacts._kept
    del kept[next(k for k in kept if k.endswith(dataset.digest))]
    assert told(world, "vera", scored(world).request_id).verdict is Verdict.INCONCLUSIVE


def test_a_decision_nobody_made_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no decision"):
        told(world, "vera", "nobody")
