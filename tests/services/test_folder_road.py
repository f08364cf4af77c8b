"""The whole road of an artifact that is a folder, and that every file of it is what it was at every loading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from folder_models import FOLDER_INPUTS, WEIGHTS, fitted, mlflow_folder
from simulated_offers import simulate
from small_playbooks import FULL
from small_world import ENDPOINT, V1, World

from roadworthy.adapters.artifacts.naming import key_of
from roadworthy.domain.errors import DigestMismatchError, IntegrityError, UnavailableError
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.storing.folder import Folder, write_list
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.bundle import ItemStatus, decode_bundle, encode_bundle, verify_bundle
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.gateway.plane import InProcessEndpoint
from roadworthy.services.watch.verify import bundle, trust_root

ROWS = simulate(40, 9)[0].select(FOLDER_INPUTS)


@pytest.fixture(scope="module")
def served() -> World:
    world = World.in_memory().prepare()
    world.register(mlflow_folder(), inputs=FOLDER_INPUTS)
    world.activate_fully(V1)
    world.deploy(V1)
    return world


@pytest.fixture
def world(served: World) -> World:
    return served.fork()


def ask(world: World) -> np.ndarray:
    gateway = world.gateway()
    try:
        answers = InProcessEndpoint(gateway, ENDPOINT).predict(ROWS, [str(i) for i in range(40)], None)
        return np.array([s if s is not None else np.nan for a in answers for s in a.scores])
    finally:
        gateway.close()


def test_a_folder_is_served_with_the_scores_of_the_model_in_it(world: World) -> None:
    scores = ask(world)
    given = np.column_stack([ROWS[n] for n in FOLDER_INPUTS]).astype(float)
    answered = ~np.isnan(scores)
    assert answered.sum() > 20
    np.testing.assert_allclose(scores[answered], fitted().predict_proba(given)[answered, 1], atol=1e-6)


def test_the_version_the_arm_and_every_gate_run_name_the_folder_and_its_list(world: World) -> None:
    version, folder = world.version(V1), mlflow_folder()
    assert (version.artifact, version.state) == (folder.digest, State.ACTIVATED)
    assert world.house.artifacts.get(version.files) == write_list(folder.digests)
    assert {(a.artifact, a.files) for a in world.deployment().arms if a.version} == {
        (version.artifact, version.files)
    }
    with world.house.store.read() as tx:
        runs = tx.of(Evidence).find(kind=EvidenceKind.GATE_RUN, version=V1)
    opened = [open_envelope(e.envelope, trust_root(world.house), now=None) for e in runs]
    assert {(o.subject, o.fact("files")) for o in opened} == {(version.artifact, version.files)}
    assert len(opened) == len(Gate)


@pytest.mark.parametrize("name", sorted(mlflow_folder().files))
def test_one_flipped_bit_in_any_file_keeps_the_gateway_from_serving_and_names_the_file(
    world: World, name: str
) -> None:
    key = key_of(mlflow_folder().digests[name])
    kept = world.house.artifacts._kept
    kept[key] = bytes([kept[key][0] ^ 1]) + kept[key][1:]
    with pytest.raises(UnavailableError, match=f"file '{name}' of the folder"):
        ask(world)


def renamed() -> Folder:
    """The same contents in the same order, so the same digest, under another name."""
    files = dict(mlflow_folder().files)
    return Folder({("notes.txt" if n == "requirements.txt" else n): d for n, d in files.items()})


def test_a_document_that_names_another_list_of_the_same_digest_is_refused(world: World) -> None:
    other = renamed()
    assert other.digest == mlflow_folder().digest
    _, files = world.house.artifacts.keep(other)
    document = world.house.served.read(ENDPOINT)
    assert document is not None
    honest = decode_served(document)
    arms = tuple(replace(a, files=files) if a.version else a for a in honest.deployment.arms)
    forged = replace(honest, deployment=replace(honest.deployment, arms=arms))
    with pytest.raises(IntegrityError, match="is not the one omar signed"):
        verify_served(forged, trust_root(world.house), now=None)


SPOILED: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], str]] = {
    "one bit flipped": (
        lambda f: {**f, WEIGHTS: bytes([f[WEIGHTS][0] ^ 1]) + f[WEIGHTS][1:]},
        f"changed: {WEIGHTS}",
    ),
    "one file more": (lambda f: {**f, "more.txt": b"more"}, "added: more.txt"),
    "one file less": (lambda f: {n: d for n, d in f.items() if n != "conda.yaml"}, "missing: conda.yaml"),
    "one file renamed": (lambda _: dict(renamed().files), "renamed: requirements.txt -> notes.txt"),
}


def test_a_bundle_of_a_folder_holds_offline_with_the_folder(world: World) -> None:
    found = decode_bundle(encode_bundle(bundle(world.house, V1)))
    report = verify_bundle(found, trust_root(world.house), mlflow_folder(), now=world.clock.now())
    assert report.holds, report.items
    assert "all 5 files are the listed ones" in report.items[1].why


@pytest.mark.parametrize("case", sorted(SPOILED))
def test_a_bundle_with_another_folder_is_wrong_and_says_which_file(world: World, case: str) -> None:
    spoil, why = SPOILED[case]
    folder = Folder(spoil(dict(mlflow_folder().files)))
    found = bundle(world.house, V1)
    (wrong,) = verify_bundle(found, trust_root(world.house), folder, now=None).of(ItemStatus.WRONG)
    assert (wrong.name, why in wrong.why) == ("artifact", True)


def test_one_file_where_a_folder_was_judged_is_wrong_and_so_is_another_list(world: World) -> None:
    found, trust = bundle(world.house, V1), trust_root(world.house)
    (wrong,) = verify_bundle(found, trust, mlflow_folder().files["model.onnx"], now=None).of(ItemStatus.WRONG)
    assert wrong.why == "one file was given, the version is a folder"
    listed = replace(found, listing=found.listing.replace("conda", "panda"))
    (wrong,) = verify_bundle(listed, trust, mlflow_folder(), now=None).of(ItemStatus.WRONG)
    assert "list of files is not the one" in wrong.why


def test_the_store_refuses_a_folder_whose_files_changed_places_with_another_version(world: World) -> None:
    other = Folder({**mlflow_folder().files, "README.md": b"another"})
    _, files = world.house.artifacts.keep(other)
    with pytest.raises(DigestMismatchError, match="is of the folder"):
        world.house.artifacts.fetch(world.version(V1).artifact, files)


def test_every_check_of_the_gates_runs_on_a_folder() -> None:
    world = World.in_memory().prepare()
    world.register(mlflow_folder(), inputs=FOLDER_INPUTS)
    run = world.validate(V1, FULL)
    assert run.findings
    assert [f.check for f in run.findings if f.verdict is Verdict.ERROR] == []
