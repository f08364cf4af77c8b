"""The pages hold together: links lead somewhere, everything is documented, generated pages are current."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from roadworthy import __version__
from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.apps.settings import Settings
from roadworthy.checks.registry import builtin
from roadworthy.cli.table import COMMANDS
from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.gate import Step
from roadworthy.domain.lifecycle import Event, State
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import DeploymentState
from roadworthy.domain.trust import EvidenceKind, Role
from roadworthy.evidence.predicates import predicate_type
from roadworthy.rollout.canary import CanaryRule, Reason
from roadworthy.services.watch.monitors import MONITORS
from roadworthy.web.api.actions import ROUTES

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\((?P<to>[^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)
HEADING = re.compile(r"^#+ (.+)$", re.M)


@pytest.fixture(scope="module")
def reference() -> Any:
    """`scripts/reference.py` as a module."""
    sys.path.insert(0, str(ROOT))
    return import_module("scripts.reference")


def anchors(text: str) -> set[str]:
    """The names that headings can be linked by, as GitHub makes them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    return {re.sub(r"[^\w\- ]", "", h.lower().replace("`", "")).replace(" ", "-") for h in headings}


def links(text: str) -> list[str]:
    """Where a page's links and images lead, what stands in code left out."""
    found = [m["to"] for m in LINK.finditer(CODE.sub(lambda m: m[0] if m[0].startswith("`[") else "``", text))]
    return [to for to in found if not to.startswith(("http://", "https://", "mailto:"))]


def test_every_link_and_image_leads_somewhere(pages: dict[str, str]) -> None:
    broken = []
    for page, text in pages.items():
        for to in links(text):
            path, _, anchor = to.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            if not target.exists():
                broken.append(f"{page} -> {to}")
            elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                broken.append(f"{page} -> {to}: no such heading")
    assert broken == []


def test_every_page_is_linked_from_another(pages: dict[str, str]) -> None:
    linked = {
        str(((ROOT / page).parent / to.partition("#")[0]).resolve().relative_to(ROOT))
        for page, text in pages.items()
        for to in links(text)
        if to.partition("#")[0]
    }
    assert set(pages) - linked - {"README.md"} == set()


def test_generated_pages_are_current(reference: Any) -> None:
    stale = reference.stale(reference.documents(ROOT / "docs"))
    assert [str(path.relative_to(ROOT)) for path in stale] == [], reference.FIX


def test_a_stale_page_is_named_with_what_to_do(
    reference: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "old.md").write_text("what it said last year")
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    monkeypatch.setattr(reference, "documents", lambda docs: {docs / "old.md": "what it says now"})
    assert reference.main(["--check"]) == 1
    assert f"docs/old.md is stale: {reference.FIX}" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0


def test_a_page_without_the_marks_of_a_section_is_refused(reference: Any) -> None:
    with pytest.raises(SystemExit, match=r"docs/concepts\.md lacks <!-- generated: verdicts -->"):
        reference.filled("# Concepts\n", "verdicts", "a table", "concepts.md")


def kinds(kind: type[RoadworthyError]) -> list[type[RoadworthyError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]


DOCUMENTED: dict[str, tuple[str, list[str]]] = {
    "check": ("checks", list(builtin())),
    "reason of a check's parameters": ("checks", [f.name for c in builtin().values() for f in fields(c.params)]),
    "error class": ("errors", [kind.__name__ for kind in kinds(RoadworthyError)]),
    "error code": ("errors", [kind.code for kind in kinds(RoadworthyError)]),
    "setting": ("settings", [f.name for f in fields(Settings) if f.name != "workspace"]),
    "state": ("lifecycle", [s.value for s in State]),
    "event": ("lifecycle", [e.value for e in Event]),
    "deployment state": ("rollout", [s.value for s in DeploymentState]),
    "rollout reason": ("rollout", [r.value for r in Reason]),
    "field of the stopping rule": ("rollout", [f.name for f in fields(CanaryRule)]),
    "monitor": ("monitors", list(MONITORS)),
    "predicate type": ("evidence", [predicate_type(k) for k in EvidenceKind]),
    "role": ("roles", [r.value for r in Role]),
    "action of the policy": ("roles", list(ACTIONS)),
    "action of the access page": ("access", list(ACTIONS)),
    "route of the access page": ("access", list(ROUTES)),
}


@pytest.mark.parametrize("what", DOCUMENTED)
def test_everything_has_its_place_in_the_reference(pages: dict[str, str], what: str) -> None:
    page, names = DOCUMENTED[what]
    assert [name for name in names if f"`{name}`" not in pages[f"docs/reference/{page}.md"]] == []


def test_every_step_and_defect_is_explained_in_the_concepts(pages: dict[str, str]) -> None:
    text = pages["docs/concepts.md"]
    assert [s.name for s in Step if f"| {s.name} | {s.value} |" not in text] == []
    assert [k.value for k in DefectKind if f"`{k.value}`" not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(pages: dict[str, str], name: str) -> None:
    text = pages["docs/reference/cli.md"]
    section = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
    found: Any = get_command(import_module(f"roadworthy.cli.{COMMANDS[name].module}").app)
    commands = list(getattr(found, "commands", {"": found}).values())
    flags = {flag for c in commands for p in c.params for flag in p.opts if flag.startswith("--")}
    lacking = [f for f in flags - {"--help"} if f"`{f}" not in section and f"/{f}" not in section]
    assert [f for f in lacking if f"{f} " not in text.split("## Exit codes")[0] and f"`{f}`" not in text] == []


def test_every_route_is_in_the_reference(pages: dict[str, str], reference: Any) -> None:
    routes = import_module("scripts.pages.api").routes()
    assert [r for r in routes if f"### {r}\n" not in pages["docs/reference/api.md"]] == []


def test_every_command_is_used_in_a_page_that_is_run(pages: dict[str, str]) -> None:
    run = "\n".join(
        text for page, text in pages.items() if page.startswith(("README", "docs/tutorial", "docs/guides"))
    )
    assert [name for name in COMMANDS if f"roadworthy {name}" not in run] == []


def test_every_decision_is_in_the_index_and_names_its_cost(pages: dict[str, str]) -> None:
    decisions = {p: t for p, t in pages.items() if re.match(r"docs/adr/\d{4}-", p)}
    assert [p for p in decisions if Path(p).name not in pages["docs/adr/README.md"]] == []
    parts = ("## Context", "## Options", "## Decision", "## Negative consequences")
    assert [p for p, t in decisions.items() if not all(part in t for part in parts)] == []


def test_the_changelog_knows_this_version(pages: dict[str, str]) -> None:
    assert f"## [{__version__}]" in pages["CHANGELOG.md"]


def test_the_acts_quoted_on_the_first_page_are_those_the_demo_plays(pages: dict[str, str]) -> None:
    acts = (ROOT / "src" / "roadworthy" / "apps" / "story" / "acts.py").read_text(encoding="utf-8")
    quoted = re.findall(r"^(\d\. .+)$", pages["README.md"], flags=re.M)
    assert quoted
    assert [title for title in quoted if f'"{title}"' not in acts] == []
