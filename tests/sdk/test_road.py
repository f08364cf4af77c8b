"""The Python face: every call of a road over real HTTP, tables in any shape, errors as their own classes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import offer_training
import pandas as pd
import pyarrow as pa
import pytest
from simulated_offers import INPUTS, arrivals, parquet, simulate, table
from small_playbooks import WAIVED
from small_world import ENDPOINT, V1, World, at, days

import roadworthy as rw
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import Composite
from roadworthy.apps.inference import inference_body
from roadworthy.domain.errors import (
    ArtifactError,
    DataError,
    IllegalTransitionError,
    InputError,
    NotAllowedError,
    NotFoundError,
    NotIndependentError,
    PlaybookError,
    UnauthenticatedError,
    UnavailableError,
)
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.serving import DeploymentState
from roadworthy.domain.trust import Role
from roadworthy.domain.use_case import Bound
from roadworthy.domain.verdict import Verdict
from roadworthy.gateway.app import GatewayApp
from roadworthy.sdk import Road, connect
from roadworthy.sdk.handing_over import artifact_of, table_bytes
from roadworthy.statistics.frame import Frame
from roadworthy.web.api.app import build_api

TOKEN = "t" * 32


class Opened:
    """A world behind a real port, and roads to it."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url
        self.road = connect(url, TOKEN)

    def as_(self, person: str) -> Road:
        return self.road.acting_as(person)


def opened(world: World) -> Iterator[Opened]:
    gateway = world.gateway()
    app = Composite(build_api(world.house, TOKEN, "admin"), GatewayApp(gateway))
    with BackgroundServer(app) as server:
        found = Opened(world, server.url)
        yield found
        found.road.close()
    gateway.close()


@pytest.fixture
def new() -> Iterator[Opened]:
    yield from opened(World.in_memory())


@pytest.fixture
def registered() -> Iterator[Opened]:
    yield from opened(at("registered"))


@pytest.fixture
def serving() -> Iterator[Opened]:
    yield from opened(at("serving"))


def fitted() -> Any:
    frame, y = simulate(300, 1)
    return offer_training.logistic({n: frame[n] for n in INPUTS}, y, 0)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_bytes(WAIVED)
    return path


def test_a_road_from_an_empty_installation_to_money(new: Opened, book: Path, tmp_path: Path) -> None:
    roles = {
        "olga": "business-owner",
        "dan": "data-scientist",
        "vera": "validator",
        "rita": "risk-reviewer",
        "omar": "operator",
    }
    for name, role in roles.items():
        assert new.road.add_person(name, role).roles == (Role(role),)
    olga, dan, vera, rita, omar = (new.as_(n) for n in roles)
    point = {"name": "letter", "consumer": "mailer"}
    olga.use_case(
        "offers", objective="Offer", owner="olga", target="accepts", positive_label="yes", decision_points=[point]
    )
    train = dan.data(table(300, 1), "offers", "train")
    dan.data(table(200, 2), "offers", "sealed")
    sample = table(200, 3).with_column("arrived_at", arrivals(200))
    traffic = dan.data(sample, "offers", "production")
    limit = {"name": "letters", "expression": "acted", "bound": Bound.AT_MOST.value, "limit": 0.9, "unit": "share"}
    olga.agree(
        "offers",
        unit="EUR",
        value="CASE WHEN acted THEN 8 * outcome - 3 ELSE 0 END",
        target=0.1,
        holdout_share=0.2,
        holdout_acts=False,
        guardrails=[limit],
    )
    code = f"{offer_training.__file__}:logistic"
    version = dan.register(fitted(), "offers", train=train, inputs=list(INPUTS), threshold=0.4, training=code)
    assert version.training.endswith(":logistic")
    assert dan.validate(version.id, playbook=book).verdict is Verdict.WARN
    assert vera.sign(version.id, reason="holds").approved
    omar.endpoint("mailing", "offers", "letter")
    assert rita.release(version.id, traffic=traffic, endpoint="mailing", playbook=book).gate is Gate.RELEASE
    assert omar.accept(version.id, service_owner="omar", run_book="call").operator == "omar"
    omar.activate(version.id, traffic=traffic.id, endpoint="mailing", playbook=book)
    assert omar.deploy(version.id, "mailing").state is DeploymentState.STABLE
    rows, y = simulate(60, 7)
    names = [f"r{i}" for i in range(60)]
    answer = omar.predict("mailing", inference_body(rows, version.signature, names, "batch-1", names))
    assert answer["id"] == "batch-1"
    new.world.clock.advance(days(1))
    assert omar.outcomes("mailing", dict(zip(names, y, strict=True)))["matched"] == 60
    (tmp_path / "late.csv").write_text("request_id,outcome\nr0,yes\n")
    assert omar.outcome_file("mailing", tmp_path / "late.csv")["matched"] == 1
    assert omar.review("mailing", until=datetime(2030, 1, 1, tzinfo=UTC)).decisions == 60
    assert [r.id for r in omar.reviews("mailing")] == ["review-mailing-1"]
    assert omar.trace("r0")[0]["unit"] == "EUR"
    assert omar.ledger("mailing")[0].measurable is False
    assert new.road.version(version.id).state is State.ACTIVATED
    assert [r.gate for r in new.road.runs(version.id)] == list(Gate)
    assert new.road.verify_changes() == len(new.world.changes()) == len(new.road.changes())
    assert new.road.bundle(version.id)["version"]["id"] == version.id
    assert omar.roll_back("mailing", "enough").state is DeploymentState.ROLLED_BACK
    assert omar.deployments("mailing")[0]["deployment"]["reason"] == "enough"
    assert new.road.status()["changes"] == len(new.world.changes())


def test_a_gate_is_started_and_followed(registered: Opened, book: Path) -> None:
    dan = registered.as_("dan")
    started = dan.start_gate(V1, Gate.VALIDATION, playbook=book)
    assert (started.verdict, dan.run(started.id).verdict) == (None, Verdict.WARN)
    assert registered.world.all(GateRun)[0].actor == "dan"


def test_a_failing_version_gives_work_that_can_be_assigned(registered: Opened, book: Path) -> None:
    registered.as_("dan").validate(V1, playbook=book)
    registered.as_("vera").sign(V1, approved=False, reason="too weak")
    (item,) = registered.road.work_items("offers", open_only=True)
    assert registered.as_("omar").assign(item.id, "dan").assignee == "dan"


def test_a_rollout_is_stepped_and_its_look_comes_back(serving: Opened) -> None:
    serving.world.activate_fully(serving.world.register().id)
    omar = serving.as_("omar")
    omar.deploy("offers:2", ENDPOINT, (0.2, 1.0))
    look = omar.step(ENDPOINT, min_requests=1)
    assert look is not None
    assert (look.action, look.share) == ("hold", 0.2)
    omar.roll_back(ENDPOINT, "why")
    assert omar.step(ENDPOINT) is None


ERRORS: dict[str, tuple[Any, type[Exception], str]] = {
    "not found": (lambda o: o.road.version("offers:9"), NotFoundError, "offers:9"),
    "not allowed": (lambda o: o.as_("ada").deploy(V1, ENDPOINT), NotAllowedError, "ada"),
    "not independent": (lambda o: o.as_("dan").sign(V1), NotIndependentError, "dan developed"),
    "not from here": (lambda o: o.as_("vera").sign(V1), IllegalTransitionError, "activated"),
    "no model": (lambda o: o.as_("dan").register(b"x", "offers", train=o.world.dataset("train")), ArtifactError, "."),
    "no such person": (lambda o: o.as_("nobody").people(), NotFoundError, "nobody"),
    "no such endpoint": (lambda o: o.road.predict("nowhere", b"{}"), NotFoundError, "no endpoint 'nowhere'"),
    "a bad request": (lambda o: o.road.predict(ENDPOINT, b"{"), InputError, "is not JSON"),
    "a wrong token": (lambda o: Road(o.road._client, "wrong").people(), UnauthenticatedError, "token"),
    "no such file": (lambda o: o.as_("dan").data("nothing.csv", "offers", "train"), DataError, "nothing.csv"),
    "no such playbook": (lambda o: o.as_("dan").validate(V1, playbook="nothing.yaml"), DataError, "nothing.yaml"),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "says"), ERRORS.values(), ids=ERRORS)
def test_an_error_comes_back_as_its_own_class_with_what_to_do(
    serving: Opened, ask: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as refused:
        ask(serving)
    assert getattr(refused.value, "remedy", "")


def test_a_playbooks_mistake_comes_back_with_file_line_key_and_what_is_allowed(
    registered: Opened, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: x\nsteps: {}\nwavers: []\n")
    with pytest.raises(PlaybookError, match=r"mine\.yaml, line 3") as refused:
        registered.as_("dan").validate(V1, playbook=path)
    assert (refused.value.fields["line"], refused.value.fields["key"]) == (3, "wavers")


def test_where_nobody_answers_it_says_how_to_start() -> None:
    with connect("http://127.0.0.1:9", "t") as road, pytest.raises(UnavailableError, match="roadworthy up"):
        road.people()


def columns() -> dict[str, Any]:
    return {"n": np.array([1, 2]), "x": np.array([0.5, np.nan]), "word": ["a", None], "yes": [True, False]}


TABLES: dict[str, Any] = {
    "columns by name": columns,
    "a data frame": lambda: pd.DataFrame(columns()),
    "an Arrow table": lambda: pa.table({k: pa.array(list(v), from_pandas=True) for k, v in columns().items()}),
    "a frame": lambda: Frame.from_arrow(pa.Table.from_pandas(pd.DataFrame(columns()), preserve_index=False)),
}


@pytest.mark.parametrize("made", TABLES.values(), ids=TABLES)
def test_a_table_may_come_in_any_shape(made: Any) -> None:
    data, name = table_bytes(made())
    found = Frame.from_arrow(pa.parquet.read_table(pa.BufferReader(data)))
    assert name == "table.parquet"
    assert found["n"].tolist() == [1, 2]
    assert found.missing("x").tolist() == [False, True]
    assert found["word"].tolist() == ["a", None]
    assert found["yes"].tolist() == [True, False]


@pytest.mark.parametrize("thing", [3, None, object(), [[1, 2]]], ids=["a number", "nothing", "an object", "a list"])
def test_what_is_no_table_is_refused(thing: Any) -> None:
    with pytest.raises(DataError, match="is no table"):
        table_bytes(thing)


def test_a_file_keeps_its_bytes_and_its_name(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(parquet(table(3, 1)))
    assert table_bytes(tmp_path / "rows.parquet") == (parquet(table(3, 1)), "rows.parquet")


def test_a_model_may_be_an_estimator_a_path_or_bytes(tmp_path: Path) -> None:
    data = artifact_of(fitted())
    (tmp_path / "m.skops").write_bytes(data)
    assert artifact_of(tmp_path / "m.skops") == artifact_of(str(tmp_path / "m.skops")) == artifact_of(data)


def test_an_estimator_that_cannot_be_served_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ArtifactError, match="has no predict_proba"):
        artifact_of(offer_training.StandardScaler())


def test_the_face_is_what_import_roadworthy_shows() -> None:
    assert rw.connect is connect
    assert rw.Road is Road
    assert all(getattr(rw, name) is not None for name in rw.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = rw.nothing
