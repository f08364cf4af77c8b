"""The life cycle: states, events, the table of transitions, a drawing; verdicts and the way back."""

from __future__ import annotations

from pathlib import Path

from scripts.pages.markdown import code, page, table

from roadworthy import services
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.marks import MARKS
from roadworthy.domain.lifecycle import TRANSITIONS, Event, State
from roadworthy.domain.returns import RE_ENTRY, WAY_BACK, DefectKind
from roadworthy.domain.verdict import Verdict

_INTRO = """
Where a model version stands, and what can move it. The table is the whole truth: an event that is not in it
is refused with `illegal-transition`, whoever asks. `candidate` and `activated` are set by a passed gate and
by nothing else. A gate that could not conclude (`-blocked`) gives nothing: the version falls back to where it
stood.
"""
_AFTER = """
`retire` leads from every resting state to `retired` and is left out of the drawing. The gateway loads a version for
real traffic in the state `activated` only. A version that is `returned` is followed by a new version that names it as
its parent, or comes back itself where the rule of its defects allows that ([way back](../concepts.md)).
"""


def lifecycle_page() -> str:
    """`reference/lifecycle.md`."""
    rows = [(code(a.value), code(e.value), code(b.value)) for (a, e), b in TRANSITIONS.items()]
    states = [(code(s.value), "yes" if s.may_serve else "no") for s in State]
    return page(
        "Life cycle of a model version",
        _INTRO,
        drawing(),
        _AFTER,
        unused(),
        "## States",
        table(("state", "may serve real traffic"), states),
        "## Transitions",
        table(("from", "event", "to"), rows),
    )


def unused() -> str:
    """Which events of the table no service gives yet."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(services.__file__).parent.rglob("*.py"))
    waiting = [code(event.value) for event in Event if f"Event.{event.name}" not in source]
    return f"In the table, and not given by anything in this release: {', '.join(waiting)}." if waiting else ""


def drawing() -> str:
    """The states as a Mermaid diagram, without `retire`."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{s.value}" as {s.name}' for s in State if s is not State.RETIRED]
    lines.append(f"    [*] --> {State.REGISTERED.name}")
    lines += [f"    {a.name} --> {b.name}: {e.value}" for (a, e), b in TRANSITIONS.items() if e is not Event.RETIRE]
    return "\n".join([*lines, "```"])


def verdicts_section() -> str:
    """For `concepts.md`: the verdicts in their one order."""
    meaning = {
        Verdict.PASS: "the claim was measured and holds",
        Verdict.WARN: "it holds, and something should be looked at",
        Verdict.FAIL: "the claim was measured and does not hold",
        Verdict.INCONCLUSIVE: "there was not enough evidence to tell",
        Verdict.ERROR: "the measurement itself broke",
    }
    rows = [
        (f"{MARKS[v][0]} `{v.value}`", meaning[v], "yes" if v.lets_through else "no", VERDICTS[v])
        for v in sorted(Verdict, key=lambda v: v.severity)
    ]
    return table(("verdict", "meaning", "the gate may go on", "exit code"), rows)


def way_back_section() -> str:
    """For `concepts.md`: which defect goes back to which development step, and how its version comes back."""
    rows = [
        (
            code(kind.value),
            WAY_BACK[kind].value,
            "the version or a successor" if RE_ENTRY[kind].same_version else "a successor",
            "every step" if RE_ENTRY[kind].again == ("*",) else ", ".join(RE_ENTRY[kind].again),
            RE_ENTRY[kind].why,
        )
        for kind in DefectKind
    ]
    return table(("defect", "goes back to", "who comes back", "measured again", "why"), rows)
