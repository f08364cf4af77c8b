"""Findings as lines and as a table."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from roadworthy.cli.marks import MARKS, against, marked
from roadworthy.domain.gate import Finding, GateRun, tally


def finding_line(finding: Finding) -> Text:
    """One finding on one line."""
    mark, colour = MARKS[finding.verdict]
    numbers = against(finding.statistic, finding.interval, finding.threshold, finding.unit)
    text = (
        Text("  ").append(mark, style=colour).append(f" {finding.step.name:<3}{finding.check:<24} ", style="bold")
    )
    text.append(finding.message)
    if numbers:
        text.append(f"  {numbers}", style="dim")
    if finding.reused_from:
        text.append(f"  (still holds from {finding.reused_from})", style="dim")
    if finding.waived:
        text.append(f"  (waived: {finding.waived})", style="yellow")
    return text


def findings_table(run: GateRun) -> Table:
    """All findings of a run by step."""
    table = Table(
        "step", "check", "verdict", "measured", "what it says", title=f"{run.gate.value} of {run.version}"
    )
    for finding in run.findings:
        numbers = against(finding.statistic, finding.interval, finding.threshold, finding.unit)
        message = f"{finding.message} (waived: {finding.waived})" if finding.waived else finding.message
        message += f" (still holds from {finding.reused_from})" if finding.reused_from else ""
        verdict = marked(finding.verdict)
        table.add_row(finding.step.name, Text(finding.check), verdict, Text(numbers), Text(message))
    return table


def verdict_line(run: GateRun) -> Text:
    """The gate's verdict, and how many findings came out which way."""
    counts = ", ".join(f"{n} {name}" for name, n in tally(run.findings).items())
    waived = sum(bool(f.waived) for f in run.findings)
    text = Text(f"{run.gate.value}: ", style="bold").append_text(marked(run.verdict)).append(f"  ({counts}")
    return text.append(f", {waived} waived)" if waived else ")")
