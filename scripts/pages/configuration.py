"""Settings of a workspace and the format of a playbook."""

from __future__ import annotations

from dataclasses import fields

from scripts.pages.markdown import code, page, prose, table

from roadworthy.apps.settings import FILE, Settings
from roadworthy.domain.gate import Limits
from roadworthy.services.gates import playbooks

_SETTINGS = f"""
Read from `{FILE}` in the workspace; the environment wins. `roadworthy init` writes the file with every setting
explained and commented out. An unknown key or a value of the wrong kind is refused by name.
"""
_PLAYBOOK = """
Which checks a gate runs, with which parameters, per risk tier. `roadworthy init` writes the playbook that
ships to `playbook.yaml`; gates use that copy when it is there, else the one that ships. `--playbook FILE`
names another for one run. The digest of the file goes into the evidence of every run that used it.

- A step without a check is `inconclusive` ("No check configured") and keeps the gate shut, unless a waiver
  names it with check `"*"`.
- A tier lists only what differs. Parameters and ranges: [checks](checks.md).
- A check judges in a process of its own within limits of wall time and of memory beyond what the process had
  before. One that goes too far is ended and is an `error` with reason `time-limit`, `memory-limit` or `crashed`
  (the interpreter ended); all other findings are untouched. Default: {limits}.
- A waiver names step, check and reason. It never turns a finding into a pass: the finding keeps its verdict,
  is counted as a warning of the gate, and the reason goes into the evidence.
- Every mistake is refused before anything runs, with file, line, key and what is allowed there.
"""


def settings_page() -> str:
    """`reference/settings.md`."""
    rows = [
        (
            code(f.name),
            code(f"ROADWORTHY_{f.name.upper()}"),
            f.metadata["help"],
            f.metadata["unit"],
            code(str(f.default)) if str(f.default) not in ("", ".") else "",
        )
        for f in fields(Settings)
        if f.name != "workspace"
    ]
    other = [
        (code("ROADWORTHY_WORKSPACE"), "the workspace when `--workspace` is not given"),
        (code("ROADWORTHY_ACTOR"), "who is acting when `--as` is not given"),
        (code("ROADWORTHY_DATA"), "folder with the bank campaign's file, for `roadworthy demo`"),
    ]
    return page(
        "Settings",
        _SETTINGS,
        table(("setting", "environment variable", "meaning", "unit", "default"), rows),
        "## Other environment variables",
        table(("variable", "meaning"), other),
    )


def playbook_page() -> str:
    """`reference/playbook.md`."""
    shipped = playbooks.DEFAULT.read_text(encoding="utf-8").strip()
    form = prose(playbooks.__doc__).split("A playbook is a YAML file:")[1].split("Every mistake")[0]
    return page(
        "Playbooks",
        _PLAYBOOK.replace("{limits}", f"{Limits().time_s:g} s and {Limits().memory_mib} MiB"),
        "## Form",
        f"```yaml\n{prose(form)}\n```",
        "## The playbook that ships",
        f"```yaml\n{shipped}\n```",
    )
