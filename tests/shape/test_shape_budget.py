"""The shape of the code, as a gate: every tree in which this slipped grew god objects despite good tests."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "roadworthy"
FILES = sorted(p for p in ROOT.rglob("*.py"))
FOLDERS = sorted({p.parent for p in FILES})
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _libraries(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [n.name for n in node.names] if isinstance(node, ast.Import) else [str(node.module)]
    return {name.split(".")[0] for name in names}


def _length(node: ast.AST) -> int:
    return int(node.end_lineno or 0) - int(node.lineno) + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_class_has_at_most_300_lines_and_a_function_at_most_60(path: Path) -> None:
    long = [
        f"{node.name}: {_length(node)}"
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.ClassDef) and _length(node) > 300)
        or (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > 60)
    ]
    assert long == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_function_has_at_most_seven_positional_parameters(path: Path) -> None:
    wide = [
        node.name
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len([a for a in node.args.posonlyargs + node.args.args if a.arg not in ("self", "cls")]) > 7
    ]
    assert wide == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.relative_to(ROOT.parent)))
def test_a_folder_has_at_most_twelve_modules_and_says_what_lives_there(folder: Path) -> None:
    modules = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
    assert len(modules) <= 12
    init = folder / "__init__.py"
    assert init.exists()
    assert ast.get_docstring(_tree(init))


def test_no_folder_is_deeper_than_three() -> None:
    assert [f for f in FOLDERS if len(f.relative_to(ROOT).parts) > 3] == []


def test_no_module_is_a_junk_drawer() -> None:
    assert [p for p in FILES if p.stem in FORBIDDEN_NAMES or p.parent.name in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_left_to_do_later(path: Path) -> None:
    assert not any(word in path.read_text() for word in ("TODO", "FIXME", "XXX"))


def test_optional_libraries_are_the_only_deferred_imports() -> None:
    optional = {
        "pandas",
        "deltalake",
        "boto3",
        "botocore",
        "onnx",
        "skl2onnx",
        "psycopg",
        "typst",
        "cyclonedx",
        "packageurl",
    }
    deferred = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for function in ast.walk(_tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not _libraries(node) <= optional
    ]
    assert deferred == []
