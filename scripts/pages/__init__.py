"""The generated pages of the documentation: one function per page, each returning Markdown.

Lives here: reading names, docstrings, parameters and tables out of the code. Does not: prose that a person writes.
To add a page, copy `errors.py` and name its function in `PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable

from scripts.pages.access import access_page
from scripts.pages.api import api_page
from scripts.pages.changes import changes_page
from scripts.pages.checks import checks_page, steps_section
from scripts.pages.commands import commands_page
from scripts.pages.configuration import playbook_page, settings_page
from scripts.pages.errors import errors_page
from scripts.pages.evidence import evidence_page, schema_pages
from scripts.pages.lifecycle import lifecycle_page, verdicts_section, way_back_section
from scripts.pages.monitors import monitors_page
from scripts.pages.people import roles_page
from scripts.pages.rollout import rollout_page

PAGES: dict[str, Callable[[], str]] = {
    "reference/access.md": access_page,
    "reference/api.md": api_page,
    "reference/changes.md": changes_page,
    "reference/checks.md": checks_page,
    "reference/cli.md": commands_page,
    "reference/errors.md": errors_page,
    "reference/evidence.md": evidence_page,
    "reference/lifecycle.md": lifecycle_page,
    "reference/monitors.md": monitors_page,
    "reference/playbook.md": playbook_page,
    "reference/roles.md": roles_page,
    "reference/rollout.md": rollout_page,
    "reference/settings.md": settings_page,
    **schema_pages(),
}
"""Whole pages, by their place below `docs/`."""

SECTIONS: dict[str, dict[str, Callable[[], str]]] = {
    "concepts.md": {
        "verdicts": verdicts_section,
        "steps": steps_section,
        "way-back": way_back_section,
    },
}
"""Tables inside pages written by hand."""
