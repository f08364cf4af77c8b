"""Playbooks: every mistake is answered with file, line, key and what is allowed there; nothing is started."""

from __future__ import annotations

from typing import Any

import pytest
from small_playbooks import FULL
from small_world import V1, at

from roadworthy.checks.registry import builtin
from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.gate import Gate, GateRun, Limits, Step
from roadworthy.domain.use_case import RiskTier
from roadworthy.services.gates.playbooks import DEFAULT, read_playbook
from roadworthy.services.gates.run import GateOrder, run_gate

HEAD = "name: mine\nsteps:\n  V2:\n"
BAD: dict[str, tuple[str, int | None, str, str]] = {
    "not YAML": ("name: [", None, "", "not valid YAML"),
    "empty": ("", None, "", "is empty"),
    "a list": ("- name", 1, "the playbook", "must be a mapping"),
    "no name": ("steps: {}\n", 1, "name", "'name' is missing"),
    "no steps": ("name: mine\n", 1, "steps", "'steps' is missing"),
    "unknown key on top": ("name: mine\nstep: {}\n", 2, "step", "unknown key 'step'"),
    "unknown step": ("name: mine\nsteps:\n  V10: []\n", 3, "V10", "unknown key 'V10'"),
    "a step twice": ("name: mine\nsteps:\n  V1: []\n  V1: []\n", 4, "V1", "given twice"),
    "a step that is no list": ("name: mine\nsteps:\n  V1: kpi-contract\n", 3, "step V1", "must be a list"),
    "unknown check": (HEAD + "    - check: beets-baseline\n", 4, "beets-baseline", "no check 'beets-baseline'"),
    "a check of another step": (HEAD + "    - check: kpi-contract\n", 4, "kpi-contract", "belongs to step V1"),
    "no check": (HEAD + "    - params: {}\n", 4, "check", "names no check"),
    "unknown key beside the check": (
        HEAD + "    - {check: slices, parms: {}}\n",
        4,
        "parms",
        "unknown key 'parms'",
    ),
    "unknown parameter": (
        HEAD + "    - check: slices\n      params:\n        max_drip: 0.1\n",
        6,
        "max_drip",
        "no parameter 'max_drip'",
    ),
    "parameter out of range": (
        HEAD + "    - check: slices\n      params:\n        max_drop: 7\n",
        6,
        "max_drop",
        "parameter 'max_drop' is 7",
    ),
    "parameter of another kind": (
        HEAD + "    - check: slices\n      params: {max_drop: much}\n",
        5,
        "max_drop",
        "parameter 'max_drop' is 'much'",
    ),
    "unknown tier": ("name: mine\nsteps: {}\ntiers: {huge: {}}\n", 3, "huge", "unknown key 'huge'"),
    "a bad parameter in a tier": (
        "name: mine\nsteps: {}\ntiers:\n  high:\n    slices: {max_drop: -1}\n",
        5,
        "max_drop",
        "'max_drop' is -1",
    ),
    "an unknown check in a tier": (
        "name: mine\nsteps: {}\ntiers:\n  low: {nope: {}}\n",
        4,
        "nope",
        "no check 'nope'",
    ),
    "an approval of an unknown tier": (
        "name: mine\nsteps: {}\napproval: {huge: {}}\n",
        3,
        "huge",
        "unknown key 'huge'",
    ),
    "an approval without a reason": (
        "name: mine\nsteps: {}\napproval:\n  high: {quorum: 2}\n",
        4,
        "reason",
        "gives no reason",
    ),
    "an unknown approval term": (
        'name: mine\nsteps: {}\napproval:\n  high:\n    quorums: 2\n    reason: "x"\n',
        5,
        "quorums",
        "unknown key 'quorums'",
    ),
    "a quorum of nobody": (
        'name: mine\nsteps: {}\napproval:\n  low:\n    reason: "x"\n    quorum: 0\n',
        6,
        "quorum",
        "has quorum 0",
    ),
    "an age of no time": (
        'name: mine\nsteps: {}\napproval:\n  low: {reason: "x", max_age_days: 0}\n',
        4,
        "max_age_days",
        "has max_age_days 0",
    ),
    "a true number of decisions": (
        'name: mine\nsteps: {}\napproval:\n  low: {reason: "x", max_decisions: true}\n',
        4,
        "max_decisions",
        "has max_decisions True",
    ),
    "drift that is no answer": (
        'name: mine\nsteps: {}\napproval:\n  low: {reason: "x", void_on_drift: 1}\n',
        4,
        "void_on_drift",
        "has void_on_drift 1",
    ),
    "an unknown limit": ("name: mine\nsteps: {}\nlimits:\n  all: {time: 3}\n", 4, "time", "unknown key 'time'"),
    "limits of an unknown tier": ("name: mine\nsteps: {}\nlimits:\n  huge: {}\n", 4, "huge", "unknown key 'huge'"),
    "a limit out of range": ("name: mine\nsteps: {}\nlimits:\n  high: {time_s: 0}\n", 4, "time_s", "'time_s' is 0"),
    "half a mebibyte": (
        HEAD + "    - check: slices\n      limits:\n        memory_mib: 100.5\n",
        6,
        "memory_mib",
        "'memory_mib' is 100.5",
    ),
    "a waiver without a reason": (
        'name: mine\nsteps: {}\nwaivers:\n  - {step: V1, check: "*"}\n',
        4,
        "reason",
        "lacks its reason",
    ),
    "a waiver with a blank reason": (
        'name: mine\nsteps: {}\nwaivers:\n  - {step: V1, check: "*", reason: " "}\n',
        4,
        "reason",
        "lacks its reason",
    ),
    "a waiver of an unknown step": (
        'name: mine\nsteps: {}\nwaivers:\n  - {step: V0, check: "*", reason: "why"}\n',
        4,
        "V0",
        "no step 'V0'",
    ),
    "a waiver of an unknown check": (
        "name: mine\nsteps: {}\nwaivers:\n  - {step: V1, check: nope, reason: why}\n",
        4,
        "nope",
        "no check 'nope'",
    ),
}


@pytest.mark.parametrize(("text", "line", "key", "says"), BAD.values(), ids=BAD)
def test_a_mistake_is_answered_with_file_line_key_and_what_is_allowed(
    text: str, line: int | None, key: str, says: str
) -> None:
    with pytest.raises(PlaybookError, match=says) as refused:
        read_playbook(text.encode(), RiskTier.LOW, "mine.yaml")
    error = refused.value
    assert error.fields["file"] == "mine.yaml"
    assert str(error).startswith("mine.yaml")
    assert error.remedy
    if line is not None:
        assert (error.fields["line"], error.fields["key"]) == (line, key)
        assert f"mine.yaml, line {line}: " in str(error)


@pytest.mark.parametrize("text", [BAD["unknown parameter"][0], BAD["unknown step"][0], BAD["not YAML"][0]])
def test_a_gate_with_a_playbook_that_cannot_be_read_does_not_start(text: str) -> None:
    world = at("registered")
    before = world.changes()
    with pytest.raises(PlaybookError):
        run_gate(world.house, world.who("dan"), GateOrder(V1, Gate.VALIDATION, text.encode(), "mine.yaml"))
    assert (world.all(GateRun), world.changes()) == ([], before)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(PlaybookError, match="not UTF-8"):
        read_playbook(b"\xff\xfe\x00", RiskTier.LOW)


@pytest.mark.parametrize("tier", RiskTier, ids=lambda t: t.value)
def test_the_playbook_that_ships_has_a_check_for_every_step_of_every_tier(tier: RiskTier) -> None:
    shipped = read_playbook(DEFAULT.read_bytes(), tier, DEFAULT.name)
    assert {c.step for c in shipped.checks} == set(Step)
    assert {c.check for c in shipped.checks} == set(builtin())
    assert shipped.waivers == ()


def params_of(tier: RiskTier, check: str, text: bytes) -> dict[str, Any]:
    return next(c.params for c in read_playbook(text, tier).checks if c.check == check)


def test_a_tier_changes_the_parameters_it_names_and_keeps_the_others() -> None:
    text = (
        HEAD
        + "    - {check: slices, params: {max_drop: 0.2, min_rows: 80}}\ntiers: {high: {slices: {max_drop: 0.1}}}\n"
    )
    assert params_of(RiskTier.LOW, "slices", text.encode()) == {"max_drop": 0.2, "min_rows": 80}
    assert params_of(RiskTier.HIGH, "slices", text.encode()) == {"max_drop": 0.1, "min_rows": 80}


def test_the_digest_is_that_of_the_bytes() -> None:
    assert read_playbook(FULL, RiskTier.LOW).digest != read_playbook(FULL + b"\n", RiskTier.LOW).digest


HOSTILE = {
    "a tag that would make an object": b"name: !!python/object/apply:os.system ['true']\nsteps: {}\n",
    "a key that is a list": b"name: mine\nsteps: {[V1]: []}\n",
    "a day that does not exist": b"name: 2026-13-45\nsteps: {}\n",
    "a character that is none": b"name: \x07\nsteps: {}\n",
    "a thousand brackets": b"name: " + b"[" * 5000 + b"]" * 5000 + b"\nsteps: {}\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_yaml_that_is_meant_to_break_the_reader_is_refused(text: bytes) -> None:
    with pytest.raises(PlaybookError, match=r"mine\.yaml"):
        read_playbook(text, RiskTier.LOW, "mine.yaml")


def test_without_terms_a_tier_has_its_default_and_given_ones_replace_only_what_they_name() -> None:
    plain = {tier: read_playbook(b"name: mine\nsteps: {}\n", tier).approval for tier in RiskTier}
    assert [plain[t].quorum for t in (RiskTier.LOW, RiskTier.MEDIUM, RiskTier.HIGH)] == [1, 1, 2]
    assert all(terms.reason for terms in plain.values())
    given = b'name: mine\nsteps: {}\napproval:\n  high: {quorum: 3, max_decisions: null, reason: "three"}\n'
    high = read_playbook(given, RiskTier.HIGH).approval
    assert (high.quorum, high.max_decisions, high.max_age_days, high.reason) == (3, None, 180.0, "three")
    assert read_playbook(given, RiskTier.LOW).approval == plain[RiskTier.LOW]


def test_a_checks_own_limits_come_before_those_of_the_tier_and_those_before_all() -> None:
    text = (
        HEAD
        + "    - check: slices\n      limits: {time_s: 5}\n    - check: leakage\n"
        + "limits:\n  all: {time_s: 60, memory_mib: 512}\n  high: {memory_mib: 1024}\n"
    )
    high = {c.check: c.limits for c in read_playbook(text.encode(), RiskTier.HIGH).checks}
    low = {c.check: c.limits for c in read_playbook(text.encode(), RiskTier.LOW).checks}
    assert high == {"slices": Limits(5, 1024), "leakage": Limits(60, 1024)}
    assert low == {"slices": Limits(5, 512), "leakage": Limits(60, 512)}


def test_without_limits_every_check_has_the_default_ones() -> None:
    assert {c.limits for c in read_playbook(DEFAULT.read_bytes(), RiskTier.HIGH).checks} == {Limits()}
