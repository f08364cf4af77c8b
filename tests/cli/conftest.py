"""The command line as a user meets it: argument lists in, exit code and two streams out."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.adapters.runtimes.skops_runtime import save_skops
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import open_control
from roadworthy.apps.settings import read_settings
from roadworthy.cli.main import run
from roadworthy.cli.processes.places import announced
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.evidence.canonical import canonical

COLUMNS = ("tenure", "calls", "spend")
VALUE = "CASE WHEN acted THEN 20 * outcome - 5 ELSE 0 END"

TRAINING = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def fit(columns, y, seed):
    X = np.column_stack([np.asarray(c, dtype=float) for c in columns.values()])
    return make_pipeline(StandardScaler(), LogisticRegression(random_state=seed)).fit(X, y)
"""


@dataclass(frozen=True)
class Ran:
    """How a command line went."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything else there fails the test."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


def command_line(workspace: Path) -> Cli:
    """`cli("status", actor="vera")`: one command line on a workspace."""

    def cli(*words: object, actor: str = "") -> Ran:
        out, err = io.StringIO(), io.StringIO()
        given = [str(w) for w in words] + ["--workspace", str(workspace)] + (["--as", actor] if actor else [])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(given)
        return Ran(code, out.getvalue(), err.getvalue())

    return cli


def customers(rows: int, seed: int) -> dict[str, Any]:
    """Simulated customers: who leaves depends on tenure and calls."""
    rng = np.random.default_rng(seed)
    tenure, calls = rng.gamma(2, 12, rows).round(1), rng.poisson(2, rows)
    spend = rng.normal(50, 15, rows).round(2)
    chance = 1 / (1 + np.exp(-(0.5 - 0.06 * tenure + 0.45 * calls - 0.01 * spend)))
    left = np.where(rng.random(rows) < chance, "yes", "no")
    ids = [f"c{seed}-{i}" for i in range(rows)]
    return {"customer": ids, "tenure": tenure, "calls": calls, "spend": spend, "y": left.tolist()}


def write_csv(path: Path, columns: dict[str, Any]) -> Path:
    """A CSV file of these columns."""
    pacsv.write_csv(pa.table(columns), path)
    return path


def train_model(table: dict[str, Any], path: Path) -> Path:
    """A fitted scikit-learn pipeline as a joblib file."""
    X = np.column_stack([np.asarray(table[c], dtype=float) for c in COLUMNS])
    y = (np.asarray(table["y"]) == "yes").astype(float)
    joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), path)
    return path


@contextlib.contextmanager
def serving(workspace: Path, engine: WorkEngine | None = None) -> Iterator[None]:
    """A server that runs on a workspace and says so there: command lines talk to it."""
    settings = read_settings(workspace)
    with (
        open_control(settings, engine=engine) as control,
        BackgroundServer(control.app) as server,
        announced(settings.root, server.url),
    ):
        yield


class ByHand:
    """What a person has beside the command line: files, their own training script, a text editor."""

    value = VALUE

    @staticmethod
    def cli(workspace: Path) -> Cli:
        """The command line on a workspace."""
        return command_line(workspace)

    @staticmethod
    def data(folder: Path) -> None:
        """History to learn from, a sample of production traffic, later customers, and the training script."""
        write_csv(folder / "history.csv", customers(5000, 1))
        start = np.datetime64("2026-01-01", "s")
        arrived = start + np.arange(2000) * np.timedelta64(37, "s")
        write_csv(folder / "traffic.csv", {**customers(2000, 2), "arrived_at": arrived})
        write_csv(folder / "later.csv", customers(2000, 3))
        (folder / "train.py").write_text(TRAINING)

    @staticmethod
    def customers(file: Path, rows: int, seed: int) -> None:
        """Other customers, as CSV."""
        write_csv(file, customers(rows, seed))

    @staticmethod
    def train(table: Path, model: Path) -> None:
        """Fit on exactly the rows in a file."""
        columns = pacsv.read_csv(table).to_pydict()
        train_model(columns, model)

    @staticmethod
    def served(workspace: Path) -> contextlib.AbstractContextManager[None]:
        """A server on the workspace, as `roadworthy up` runs one."""
        return serving(workspace)

    @staticmethod
    def write_canonical(path: Path, document: dict[str, Any]) -> None:
        """A document in the one spelling that verification reads."""
        path.write_bytes(canonical(document))


@pytest.fixture(scope="session")
def by_hand() -> ByHand:
    """A person's own means."""
    return ByHand()


def register_plain(cli: Cli, folder: Path) -> Ran:
    """The version `plain:1`, as skops: quicker than a pickle, which is converted in a process of its own."""
    (folder / "model.skops").write_bytes(save_skops(joblib.load(folder / "model.joblib")))
    words = ("register", "model", folder / "model.skops", "--use-case", "churn", "--name", "plain")
    return cli(*words, "--inputs", ",".join(COLUMNS), actor="dan")


@dataclass(frozen=True)
class Kitchen:
    """A workspace with a server on it, a use case `churn` with training data, and files to work with."""

    folder: Path
    cli: Cli
    links: Callable[[], int]

    @property
    def model(self) -> Path:
        """A good model."""
        return self.folder / "model.joblib"

    @property
    def train(self) -> Path:
        """What it was trained on; registered."""
        return self.folder / "train.csv"


@pytest.fixture(scope="session")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    """One installation for all tests that must not change it, or that add objects of their own."""
    folder = tmp_path_factory.mktemp("kitchen")
    workspace = folder / "workspace"
    cli = command_line(workspace)
    assert cli("init").code == 0
    table = customers(400, 1)
    write_csv(folder / "train.csv", table)
    train_model(table, folder / "model.joblib")
    # The durable engine is one per process; this server outlives tests that need it for themselves.
    with serving(workspace, InlineEngine()):

        def links() -> int:
            return int(cli("verify", "--json").document["verified"])

        made = cli("use-case", "churn", "--target", "y", "--positive", "yes", "--tier", "low", actor="dan")
        assert made.code == 0, made.err
        data = cli("register", "data", folder / "train.csv", "--use-case", "churn", "--role", "train", actor="dan")
        assert data.code == 0, data.err
        plain = register_plain(cli, folder)
        assert plain.code == 0, plain.err
        yield Kitchen(folder, cli, links)
