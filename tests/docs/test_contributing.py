"""The code in the pages for contributors is code that works."""

from __future__ import annotations

import doctest
import importlib.util
import re
import sys
from collections.abc import Callable
from itertools import chain, combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from roadworthy.checks import registry
from roadworthy.checks.base import Check
from roadworthy.checks.runner import run_check
from roadworthy.checks.validation.example import material
from roadworthy.domain.gate import PlannedCheck
from roadworthy.domain.verdict import Verdict

Load = Callable[[str, str], ModuleType]


@pytest.fixture
def load(root: Path, tmp_path: Path) -> Load:
    """A code block of a page for contributors, as a module."""

    def loaded(page: str, file: str) -> ModuleType:
        text = (root / "docs" / "contributing" / page).read_text(encoding="utf-8")
        block = re.search(rf"<!-- file: {re.escape(file)} -->\n```python\n(.*?)^```$", text, re.M | re.S)
        assert block, f"{page} has no file {file}"
        path = tmp_path / file
        path.write_text(block[1])
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.fixture
def example_check(load: Load, monkeypatch: pytest.MonkeyPatch) -> type[Check]:
    check: type[Check] = load("add-a-check.md", "distinct_scores.py").DistinctScores
    known = {**registry.builtin(), check.id: check}
    monkeypatch.setattr(registry, "builtin", lambda: known)
    return check


@pytest.mark.parametrize(
    ("params", "verdict"),
    [
        pytest.param({}, Verdict.PASS, id="enough"),
        pytest.param({"min_distinct": 10**6}, Verdict.FAIL, id="too few"),
        pytest.param({"min_rows": 10**6}, Verdict.INCONCLUSIVE, id="too few rows"),
    ],
)
def test_the_example_check_runs_as_the_page_says(
    example_check: type[Check], params: dict[str, Any], verdict: Verdict
) -> None:
    found = run_check(PlannedCheck(example_check.step, example_check.id, params), material())
    assert found.verdict is verdict


def test_the_example_of_the_example_check_holds(example_check: type[Check]) -> None:
    module = sys.modules[example_check.__module__]
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(module):
        runner.run(test)
    assert (runner.tries > 0, runner.failures) == (True, 0)


def test_the_example_metric_is_the_largest_difference_of_probability(load: Load) -> None:
    total_variation = load("add-a-metric.md", "total_variation.py").total_variation
    a, b = np.array([5, 1, 9, 3]), np.array([2, 4, 1, 6])
    p, q = a / a.sum(), b / b.sum()
    subsets = chain.from_iterable(combinations(range(4), size) for size in range(5))
    assert total_variation(a, b) == pytest.approx(max(abs(sum(p[i] - q[i] for i in s)) for s in subsets))


def test_the_files_named_in_the_pages_for_contributors_exist(pages: dict[str, str], root: Path) -> None:
    folders = [root, root / "src" / "roadworthy"]
    lacking = []
    for page, text in pages.items():
        if page.startswith("docs/contributing/"):
            for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|yaml|toml|md))`", text):
                made_by_the_reader = "distinct_scores" in name
                if not made_by_the_reader and not any((folder / name).exists() for folder in folders):
                    lacking.append(f"{page}: {name}")
    assert lacking == []
