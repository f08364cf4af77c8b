"""Exported PyTorch programs: scores are torch's own, and a file runs no code of its choice."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roadworthy.adapters.runtimes.exported.torch_runtime import TorchRuntime, save_torch
from roadworthy.adapters.runtimes.handed_in import saved
from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.domain.errors import ArtifactError, RoadworthyError
from roadworthy.domain.model import ColumnSpec, DType, Signature

NAMES = ("a", "b", "c")
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in NAMES))
X = np.random.default_rng(0).normal(size=(50, 3))
COLUMNS = {n: X[:, i] for i, n in enumerate(NAMES)}
ROWS = torch.tensor(X, dtype=torch.float32)


class Wide(torch.nn.Module):
    """Normalisation, dropout, reshaping by the number of rows, a split, an embedding, attention and a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.line, self.drop = torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 8), torch.nn.Dropout(0.5)
        self.table, self.last = torch.nn.Embedding(4, 8), torch.nn.Linear(8, 1)
        self.layer = torch.nn.LayerNorm(8)
        self.register_buffer("shift", torch.full((8,), 0.5))

    def forward(self, rows: Any) -> Any:
        hidden = torch.nn.functional.gelu(self.drop(self.line(self.norm(rows))))
        left, right = (hidden + self.shift).view(rows.shape[0], 2, 4).split(2, dim=-1)
        mixed = torch.cat([left, right], dim=-1).reshape(rows.shape[0], 8)
        kind = (rows[:, 0] > 0).to(torch.int64) + 2
        mixed = self.layer(mixed + self.table(kind))
        seen = torch.nn.functional.scaled_dot_product_attention(mixed[:, None], mixed[:, None], mixed[:, None])
        return torch.sigmoid(self.last(seen.squeeze(1)))


class Named(torch.nn.Module):
    """One input per column."""

    def forward(self, a: Any, c: Any, b: Any) -> Any:
        return torch.sigmoid(a - 2 * b + torch.where(c > 0, c, c * 0.1))


def exported(model: Any, *examples: Any) -> Any:
    rows = torch.export.Dim("rows")
    return torch.export.export(model.eval(), examples, dynamic_shapes=tuple({0: rows} for _ in examples))


torch.manual_seed(1)
WIDE = Wide().eval()
DATA = save_torch(exported(WIDE, ROWS[:4]))


def score(data: bytes, columns: Any = COLUMNS, signature: Signature = SIGNATURE) -> Any:
    return TorchRuntime().load(data, signature).predict(columns)


def test_scores_are_those_of_the_module() -> None:
    assert (detect(DATA), scan(DATA).admitted) == ("torch-export", True)
    with torch.inference_mode():
        np.testing.assert_allclose(score(DATA), WIDE(ROWS)[:, 0].numpy(), atol=1e-6)
        one = score(DATA, {n: c[:1] for n, c in COLUMNS.items()})
        np.testing.assert_allclose(one, WIDE(ROWS[:1])[:, 0].numpy(), atol=1e-6)


def test_inputs_named_like_columns_are_found_by_name() -> None:
    data = saved(exported(Named(), *(ROWS[:4, k] for k in (0, 2, 1))))
    with torch.inference_mode():
        expected = Named()(ROWS[:, 0], ROWS[:, 2], ROWS[:, 1]).numpy()
    np.testing.assert_allclose(score(data), expected, atol=1e-6)


def test_a_module_that_was_not_exported_says_how() -> None:
    with pytest.raises(ArtifactError, match="is not an exported program"):
        saved(WIDE)


def test_a_program_for_a_fixed_number_of_rows_is_refused() -> None:
    data = save_torch(torch.export.export(WIDE, (ROWS[:4],)))
    found = scan(data)
    assert not found.admitted
    assert "not any number of rows" in found.reason


@pytest.mark.parametrize(
    "signature",
    [Signature(SIGNATURE.inputs[:2]), Signature((ColumnSpec("a", DType.BYTES), *SIGNATURE.inputs[1:]))],
    ids=["another width", "text"],
)
def test_other_columns_than_the_programs_are_refused_when_it_is_loaded(signature: Signature) -> None:
    with pytest.raises(ArtifactError, match="the exported program takes"):
        TorchRuntime().load(DATA, signature)


def torch_pickle() -> bytes:
    stored = io.BytesIO()
    torch.save(WIDE.state_dict(), stored)
    return stored.getvalue()


def test_files_whose_reading_unpickles_are_refused_with_what_to_do() -> None:
    found = scan(torch_pickle())
    assert (found.format, found.admitted) == ("torch-pickle", False)
    assert "torch.export" in found.reason


def rewritten(change: Callable[[dict[str, bytes]], object]) -> bytes:
    """The archive after a change of its files, named without the folder around them."""
    with zipfile.ZipFile(io.BytesIO(DATA)) as archive:
        files = {n.partition("/")[2]: archive.read(n) for n in archive.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"archive/{name}", data)
    return out.getvalue()


def graph(change: Callable[[Any], object]) -> Callable[[dict[str, bytes]], object]:
    def changed(files: dict[str, bytes]) -> None:
        model = json.loads(files["models/model.json"])
        change(model["graph_module"])
        files["models/model.json"] = json.dumps(model).encode()

    return changed


def aimed(target: str) -> Callable[[dict[str, bytes]], object]:
    return graph(lambda module: module["graph"]["nodes"][3].update(target=target))


def weights(change: Callable[[Any], object]) -> Callable[[dict[str, bytes]], object]:
    def changed(files: dict[str, bytes]) -> None:
        config = json.loads(files["data/weights/model_weights_config.json"])
        change(config["config"]["line.weight"])
        files["data/weights/model_weights_config.json"] = json.dumps(config).encode()

    return changed


CRAFTED: dict[str, Callable[[dict[str, bytes]], object]] = {
    "a function of the system": aimed("torch.os.system"),
    "an import": aimed("torch._dynamo.config.importlib.import_module"),
    "a look-up": aimed("_operator.attrgetter"),
    "a file": aimed("torch.ops.aten.from_file.default"),
    "memory by strides": aimed("torch.ops.aten.as_strided.default"),
    "random numbers": aimed("torch.ops.aten.rand.default"),
    "an operator that writes into an argument": aimed("torch.ops.aten.add.out"),
    "another library's operator": aimed("torch.ops.evil.linear.default"),
    "an attribute of an operator": aimed("torch.ops.aten.linear.__class__.mro"),
    "a value from nowhere": graph(
        lambda m: m["graph"]["nodes"][3]["inputs"][0].update(arg={"as_tensor": {"name": "x9"}})
    ),
    "an expression": graph(
        lambda m: m["graph"]["nodes"][3]["inputs"][0].update(arg={"as_sym_int": {"as_expr": {"expr_str": "1"}}})
    ),
    "a graph inside": graph(lambda m: m["graph"]["nodes"][3]["inputs"][0].update(arg={"as_graph": {}})),
    "no nodes": graph(lambda m: m["graph"].pop("nodes")),
    "compiled code": lambda files: files.update({"data/aotinductor/model/x.so": b"\x7fELF"}),
    "pickled weights": weights(lambda w: w.update(use_pickle=True)),
    "a weight larger than its bytes": weights(
        lambda w: w["tensor_meta"].update(sizes=[{"as_int": 8}, {"as_int": 300}])
    ),
    "a negative size": weights(lambda w: w["tensor_meta"].update(sizes=[{"as_int": -8}, {"as_int": -3}])),
    "an offset": weights(lambda w: w["tensor_meta"].update(storage_offset={"as_int": 5})),
    "strides that overlap": weights(lambda w: w["tensor_meta"].update(strides=[{"as_int": 0}, {"as_int": 1}])),
    "a weight that is not there": weights(lambda w: w.update(path_name="weight_99")),
    "text for a graph": lambda files: files.update({"models/model.json": b"[" * 100_000}),
}


@pytest.mark.parametrize("change", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_file_that_is_more_than_admitted_arithmetic_is_refused(change: Any, tmp_path: Path) -> None:
    assert scan(rewritten(dict)).admitted
    data = rewritten(change)
    assert not scan(data).admitted
    with pytest.raises(ArtifactError):
        TorchRuntime().load(data, SIGNATURE)


class Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("/tmp/exported-program-ran"),)  # noqa: S108 - it must not come to be


def test_the_pickle_and_the_guards_in_the_archive_are_never_read() -> None:
    import pickle  # noqa: PLC0415 - to write one

    def spoil(files: dict[str, bytes]) -> None:
        files["data/sample_inputs/model.pt"] = pickle.dumps(Evil())
        model = json.loads(files["models/model.json"])
        model["guards_code"] = ["__import__('os').abort()"]
        files["models/model.json"] = json.dumps(model).encode()

    np.testing.assert_array_equal(score(rewritten(spoil)), score(DATA))
    assert not Path("/tmp/exported-program-ran").exists()  # noqa: S108


def test_a_flipped_bit_gives_a_refusal_or_a_model_and_never_ends_the_process() -> None:
    draw = random.Random(4)  # noqa: S311 - the same damage in every run
    refused = 0
    with zipfile.ZipFile(io.BytesIO(DATA)) as archive:
        whole = archive.read(next(n for n in archive.namelist() if n.endswith("models/model.json")))
    for _ in range(150):
        text = bytearray(whole)
        text[draw.randrange(len(text) // 2)] ^= 1 << draw.randrange(7)
        try:
            score(rewritten(lambda files, text=text: files.update({"models/model.json": bytes(text)})))
        except RoadworthyError:
            refused += 1
    assert refused > 20
