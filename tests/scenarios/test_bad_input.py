"""Bad input at the front door: one clear sentence, what to do about it, the right class, and nothing half-done.

Everything goes through the Python face to a real server on a real workspace.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from simulated_offers import artifact, parquet, table
from small_world import CAST, VALUE

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.embedded import open_workspace
from roadworthy.apps.listening import bind
from roadworthy.domain.errors import (
    ArtifactError,
    BadOutputError,
    DataError,
    ExpressionError,
    ModelRaisedError,
    PlaybookError,
    PortInUseError,
    RoadworthyError,
    SettingError,
    StorageUnavailableError,
)
from roadworthy.sdk import Road
from roadworthy.statistics.frame import Frame

ROWS = table(200, 1)
CASE = {"objective": "Offer", "owner": "olga", "target": "accepts", "positive_label": "yes"}
TERMS = {"unit": "EUR", "value": VALUE, "target": 0.1, "holdout_share": 0.1, "holdout_acts": False}


@dataclass(frozen=True)
class Place:
    """An open workspace with people, a use case, training data and a version."""

    road: Road
    root: Path

    def as_(self, person: str) -> Road:
        return self.road.acting_as(person)

    def kept(self) -> tuple[int, list[str]]:
        """How long the change record is, and every file that is not the databases' own."""
        files = [str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file() and ".db" not in p.name]
        return self.road.verify_changes(), sorted(files)


@contextmanager
def opened(root: Path) -> Iterator[Place]:
    with open_workspace(root, "admin", engine=InlineEngine()) as road:
        yield Place(road, root)


def prepare(place: Place) -> None:
    for name, role in CAST.items():
        place.road.add_person(name, role)
    place.as_("olga").use_case("offers", **CASE)
    train = place.as_("dan").data(ROWS, "offers", "train")
    place.as_("dan").data(table(100, 2), "offers", "sealed")
    place.as_("olga").agree("offers", **TERMS)
    about = {"inputs": ["age", "balance", "visits", "channel"], "threshold": 0.4}
    place.as_("dan").register(artifact(), "offers", train=train, **about)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("bad-input") / "w") as found:
        prepare(found)
        yield found


def assert_refused(place: Place, act: Callable[[], Any], error: type[RoadworthyError], *says: str) -> None:
    """One sentence in the right class that says all of `says` and what to do; the workspace is as it was."""
    before = place.kept()
    with pytest.raises(error) as refused:
        act()
    message = str(refused.value)
    assert type(refused.value) is error
    assert all(word in message for word in says), message
    assert len(refused.value.remedy) > 5
    assert len(message) < 700
    assert "\n" not in message
    assert "Traceback" not in message
    assert place.kept() == before
    assert not list(place.root.rglob("*.part"))


def text(*values: Any) -> Any:
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


def as_frame(name: str, values: Any) -> Frame:
    return ROWS.with_column(name, values)


NAN_TARGET = text(*(None if i == 7 else v for i, v in enumerate(ROWS["accepts"])))
TABLES: dict[str, tuple[Frame, tuple[str, ...]]] = {
    "a missing column": (ROWS.drop(["balance"]), ("lacks the column balance", "It has: age")),
    "several missing columns": (ROWS.select(["age", "accepts"]), ("lacks the columns", "balance", "visits")),
    "numbers as text": (as_frame("age", text(*map(str, ROWS["age"]))), ("'age' holds text", "numbers")),
    "text as numbers": (as_frame("channel", np.arange(200.0)), ("'channel' holds numbers", "text")),
    "no target": (ROWS.drop(["accepts"]), ("lacks the column accepts",)),
    "a target with holes": (as_frame("accepts", NAN_TARGET), ("1 of 200 rows", "'accepts'", "Drop these rows")),
    "one class only": (as_frame("accepts", text(*["no"] * 200)), ("one class only", "'yes' is the positive label")),
    "another label": (as_frame("accepts", text(*["ja", "nein"] * 100)), ("it holds ja, nein", "'yes'")),
    "ten rows": (ROWS.take(np.arange(10)), ("has 10 rows", "At least 50")),
}


@pytest.mark.parametrize(("rows", "says"), TABLES.values(), ids=TABLES)
def test_a_table_that_cannot_be_judged_on_is_refused(place: Place, rows: Frame, says: tuple[str, ...]) -> None:
    assert_refused(
        place, lambda: place.as_("dan").data(rows, "offers", "sealed", name="x.parquet"), DataError, *says
    )


FILES: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "an empty file": ("x.csv", b"", ("'x.csv' is empty",)),
    "a header and nothing": ("x.csv", b"age,accepts\n", ("a header and no rows",)),
    "a text named parquet": ("x.parquet", b"age,accepts\n1,yes\n", ("not a Parquet file", "rename it to .csv")),
    "half a parquet file": ("x.parquet", parquet(ROWS)[:-50], ("damaged Parquet file",)),
    "a spreadsheet": ("x.xlsx", b"PK\x03\x04", ("neither .csv nor .parquet", "Convert")),
    "a picture named csv": ("x.csv", b"\x89PNG\r\n\x1a\n\x00\xff\xfe" * 20, ("'x.csv'",)),
}


@pytest.mark.parametrize(("name", "data", "says"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_table_is_refused(
    place: Place, tmp_path: Path, name: str, data: bytes, says: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(data)
    assert_refused(place, lambda: place.as_("dan").data(tmp_path / name, "offers", "train"), DataError, *says)


def test_a_file_that_is_not_there_is_told_with_its_path(place: Place, tmp_path: Path) -> None:
    missing = tmp_path / "nothing.csv"
    assert_refused(place, lambda: place.as_("dan").data(missing, "offers", "train"), DataError, str(missing))


def spoiled(change: Callable[[Any], None]) -> Any:
    model = LogisticRegression().fit(np.column_stack([ROWS.floats("age"), ROWS.floats("visits")]), ROWS["accepts"])
    change(model)
    return model


def nan(model: Any) -> None:
    model.coef_[:] = np.nan


def raises(model: Any) -> None:
    model.coef_ = np.ones((1, 3))


def three_classes(model: Any) -> None:
    model.classes_ = np.array(["a", "b", "c"])


def unfitted(model: Any) -> None:
    for name in [n for n in vars(model) if n.endswith("_")]:
        delattr(model, name)


MODELS: dict[str, tuple[Callable[[Any], None], type[RoadworthyError], str]] = {
    "answers NaN": (nan, BadOutputError, "NaN"),
    "raises": (raises, ModelRaisedError, "the model raised ValueError"),
    "answers another shape": (three_classes, ArtifactError, "knows 3 classes"),
    "is not fitted": (unfitted, ArtifactError, "is not fitted"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("change", "error", "says"), MODELS.values(), ids=MODELS)
def test_a_model_that_misbehaves_is_refused(
    place: Place, change: Callable[[Any], None], error: type[RoadworthyError], says: str
) -> None:
    def register() -> object:
        train = next(c.subject for c in place.road.changes() if "offers-train" in c.subject)
        return place.as_("dan").register(spoiled(change), "offers", train=train, inputs=["age", "visits"])

    assert_refused(place, register, error, says)


BYTES = {"text": b"model", "nothing": b"", "half a model": artifact()[:400]}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_model_are_refused(place: Place, data: bytes) -> None:
    train = next(c.subject for c in place.road.changes() if "offers-train" in c.subject)
    assert_refused(place, lambda: place.as_("dan").register(data, "offers", train=train), ArtifactError)


def test_an_input_that_does_not_exist_is_named(place: Place) -> None:
    train = next(c.subject for c in place.road.changes() if "offers-train" in c.subject)
    act = lambda: place.as_("dan").register(artifact(), "offers", train=train, inputs=["agee"])  # noqa: E731
    assert_refused(place, act, DataError, "agee", "age")


KPIS = {
    "a typo": ("CASE WHEN acted THEN outcom ELSE 0 END", ("outcom", "outcome")),
    "a typo in a column": ("acted AND balanc > 3", ("balanc", "balance")),
    "half an expression": ("CASE WHEN acted", ("the KPI value",)),
    "a file to read": ("(SELECT 1 FROM read_csv('/etc/passwd'))", ("the KPI value",)),
}


@pytest.mark.parametrize(("value", "says"), KPIS.values(), ids=KPIS)
def test_a_kpi_that_cannot_be_computed_is_refused(place: Place, value: str, says: tuple[str, ...]) -> None:
    act = lambda: place.as_("olga").agree("offers", **{**TERMS, "value": value})  # noqa: E731
    assert_refused(place, act, ExpressionError, *says)


def test_an_unknown_playbook_key_is_told_with_file_line_key_and_what_is_allowed(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsteps: {}\nwavers: []\n")
    act = lambda: place.as_("dan").validate("offers:1", playbook=path)  # noqa: E731
    assert_refused(
        place,
        act,
        PlaybookError,
        "mine.yaml, line 3",
        "'wavers'",
        "name, steps, tiers, approval, protection, limits, waivers",
    )


def test_a_port_in_use_is_told_with_its_number() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} .* in use.*--port"):
            bind("127.0.0.1", port)


def test_a_file_in_place_of_the_workspace_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("mine")
    with pytest.raises(StorageUnavailableError, match="cannot be written"), opened(tmp_path / "w"):
        pytest.fail("a file is no workspace")
    assert (tmp_path / "w").read_text() == "mine"


def test_an_unknown_setting_is_told_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "roadworthy.toml").write_text("prot = 1\n")
    with pytest.raises(SettingError, match="unknown setting 'prot'"), opened(tmp_path):
        pytest.fail("the setting is unknown")
    assert [p.name for p in tmp_path.iterdir()] == ["roadworthy.toml"]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(rows: int) -> Frame:
    """Data that no compression makes small."""
    return table(rows, 9).with_column("balance", np.random.default_rng(0).random(rows))


def test_a_disk_that_takes_no_more_refuses_whole_and_takes_the_same_again_later(place: Place) -> None:
    big = noise(200_000)
    act = lambda: place.as_("dan").data(big, "offers", "validation", name="big.parquet")  # noqa: E731
    with largest_file(2**20):
        assert_refused(place, act, StorageUnavailableError, "largest size")
        assert place.road.people()
    assert act().rows == 200_000


def mounted(folder: Path, size: str) -> bool:
    """Whether a small disk of its own could be put at `folder`."""
    folder.mkdir()
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_full_disk_refuses_every_write_in_words_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    if not mounted(disk, "6m"):
        pytest.skip("needs the right to mount a small disk")
    try:
        with opened(disk / "w") as place:
            prepare(place)
            with (disk / "filling").open("wb") as filling:
                fill(filling.fileno())
            for act in (
                lambda: place.as_("dan").data(noise(3000), "offers", "validation"),
                lambda: place.road.add_person("nora", "auditor"),
            ):
                with pytest.raises(StorageUnavailableError, match="full"):
                    act()
            assert {p.id for p in place.road.people()} == {"platform", "admin", *CAST}
            (disk / "filling").unlink()
            length = place.road.verify_changes()
            assert place.as_("dan").data(noise(3000), "offers", "validation").rows == 3000
            assert place.road.verify_changes() == length + 1
        assert not list(disk.rglob("*.part"))
    finally:
        ctypes.CDLL(None).umount2(str(disk).encode(), 2)


def fill(handle: int) -> None:
    """Write until nothing fits any more."""
    for size in (2**20, 2**12, 1):
        for _ in range(10_000):
            try:
                os.write(handle, b"\0" * size)
            except OSError:
                break
