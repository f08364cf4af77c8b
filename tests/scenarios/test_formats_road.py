"""Models of every format go the whole way: handed in by SDK and command line, gated, deployed, answered over HTTP.

What the endpoint answers is compared with what the library that trained the model says itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import torch
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from simulated_offers import INPUTS, simulate
from small_playbooks import playbook
from small_world import ENDPOINT, World, at

from roadworthy.adapters.runtimes.handed_in import saved
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import Composite
from roadworthy.apps.inference import inference_body, scores_of
from roadworthy.cli.main import run
from roadworthy.domain.lifecycle import State
from roadworthy.gateway.app import GatewayApp
from roadworthy.sdk import Road, connect
from roadworthy.statistics.frame import Frame
from roadworthy.web.api.app import build_api

TOKEN = "t" * 32
BOOK = playbook(
    "V2:beats-baseline", "V9:independent-validator", "R1:artifact-safety", "R5:transport-parity", name="formats"
)
"""The checks that read the artifact, score with it in every way, and ask whether it is any good."""

NUMBERS = ("age", "balance", "visits")


@dataclass(frozen=True)
class Trained:
    """A model as its library holds it, its columns, and what it says itself of rows."""

    model: Any
    inputs: tuple[str, ...]
    oracle: Callable[[Frame], Any]


def matrix(frame: Frame) -> Any:
    return np.column_stack([frame[n].astype(np.float64) for n in NUMBERS])


def with_categories(frame: Frame) -> pd.DataFrame:
    columns = {n: frame[n] for n in INPUTS}
    return pd.DataFrame({**columns, "channel": pd.Categorical(frame["channel"])})


def xgboost_trees() -> Trained:
    frame, y = simulate(900, 1)
    model = XGBClassifier(n_estimators=40, max_depth=3, n_jobs=1, enable_categorical=True)
    model.fit(with_categories(frame), y)
    return Trained(model, INPUTS, lambda rows: model.predict_proba(with_categories(rows))[:, 1])


def lightgbm_trees() -> Trained:
    frame, y = simulate(900, 1)
    model = lightgbm.LGBMClassifier(n_estimators=40, num_leaves=7, n_jobs=1, verbose=-1)
    model.fit(with_categories(frame), y)
    return Trained(model, INPUTS, lambda rows: model.booster_.predict(with_categories(rows)))


RULES = b"""
roadworthy: rules/1
description: Who takes the plan, as the branch sees it.
let:
  rich: balance != null && balance > 1500.0
rules:
  - {name: old and rich, when: age >= 50 && rich, score: 0.8}
  - {name: keen, when: 'visits > 5 || channel == "web" && age > 45', score: 0.6}
  - {name: rather, when: rich, score: "0.3 + double(visits) / 100.0"}
otherwise: 0.1
"""


def rules() -> Trained:
    def oracle(rows: Frame) -> Any:
        age, visits, web = rows["age"], rows["visits"], rows["channel"] == "web"
        rich = np.nan_to_num(rows["balance"]) > 1500
        rest = np.where(rich, 0.3 + visits / 100, 0.1)
        return np.where((age >= 50) & rich, 0.8, np.where((visits > 5) | (web & (age > 45)), 0.6, rest))

    return Trained(RULES, INPUTS, oracle)


class Net(torch.nn.Module):
    """A small network on three columns, one of which may be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.hidden = torch.nn.Linear(3, 8)
        self.out = torch.nn.Linear(8, 1)

    def forward(self, rows: Any) -> Any:
        known = torch.nan_to_num(rows, nan=1000.0)
        return torch.sigmoid(self.out(torch.relu(self.hidden(self.norm(known))))).squeeze(-1)


def torch_network() -> Trained:
    frame, y = simulate(900, 1)
    torch.manual_seed(0)
    model, rows, wanted = (
        Net(),
        torch.tensor(matrix(frame), dtype=torch.float32),
        torch.tensor(y, dtype=torch.float32),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(120):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy(model(rows), wanted).backward()
        optimizer.step()
    exported = torch.export.export(model.eval(), (rows[:3],), dynamic_shapes=({0: torch.export.Dim("rows")},))

    def oracle(found: Frame) -> Any:
        with torch.inference_mode():
            return model(torch.tensor(matrix(found), dtype=torch.float32)).numpy()

    return Trained(exported, NUMBERS, oracle)


MODELS: dict[str, Callable[[], Trained]] = {
    "xgboost": xgboost_trees,
    "lightgbm": lightgbm_trees,
    "rules": rules,
    "torch-export": torch_network,
}


@contextlib.contextmanager
def installation(world: World) -> Iterator[tuple[str, Road]]:
    """The world behind a real port, and a road to it."""
    gateway = world.gateway()
    with BackgroundServer(Composite(build_api(world.house, TOKEN, "admin"), GatewayApp(gateway))) as server:
        road = connect(server.url, TOKEN)
        yield server.url, road
        road._client.close()
    gateway.close()


def command_line(*words: object) -> Any:
    """The JSON document of a command that succeeds."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([*map(str, words), "--json"]) == 0
    return json.loads(out.getvalue())


@pytest.mark.parametrize("form", MODELS)
def test_a_model_of_this_format_is_registered_gated_deployed_and_answers(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, world = MODELS[form](), at("prepared")
    (tmp_path / "book.yaml").write_bytes(BOOK)
    (tmp_path / "model").write_bytes(trained.model if isinstance(trained.model, bytes) else saved(trained.model))
    train = world.dataset("train").id
    with installation(world) as (url, road):
        about = {"train": train, "name": "offers", "threshold": 0.375, "inputs": trained.inputs}
        version = road.acting_as("dan").register(trained.model, "offers", **about)
        assert version.format.value == form

        monkeypatch.setenv("ROADWORTHY_URL", url)
        monkeypatch.setenv("ROADWORTHY_TOKEN", TOKEN)
        inputs = ("--inputs", ",".join(trained.inputs))
        told = command_line(
            "register",
            "model",
            tmp_path / "model",
            "--use-case",
            "offers",
            "--train",
            train,
            *inputs,
            "--limits",
            "training",
            "--as",
            "dan",
        )
        assert (told["version"]["format"], told["version"]["artifact"]) == (form, version.artifact)
        limited = {limit["column"] for limit in told["version"]["signature"]["limits"]}
        assert limited == set(trained.inputs)

        gated = world.activate_fully(version.id, BOOK)
        assert gated.state is State.ACTIVATED
        road.acting_as("omar").deploy(version.id, ENDPOINT)
        rows, _ = simulate(300, 8)
        units = [f"u{i}" for i in range(rows.n_rows)]
        body = inference_body(rows.select(trained.inputs), version.signature, units)
        scores = scores_of(road.predict(ENDPOINT, body))
    answered = ~np.isnan(scores)
    assert answered.sum() > 200  # the others are held out
    np.testing.assert_allclose(scores[answered], trained.oracle(rows)[answered], atol=1e-6)
