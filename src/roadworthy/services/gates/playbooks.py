"""Reading a playbook: which checks, with which thresholds, per risk tier, and what is waived and why.

A playbook is a YAML file:

    name: tabular-binary
    steps:                      # every step V1..A7 that has checks
      V2:
        - check: beats-baseline
          params: {margin: 0.01}
          limits: {time_s: 60}  # what this check may use; memory_mib is the other one
    tiers:                      # per tier, parameters that differ from those above
      low: {}
      medium: {}
      high: {beats-baseline: {margin: 0.02}}
    approval:                   # per tier, what an approval takes and how long it lasts
      high: {quorum: 2, max_age_days: 180, max_decisions: 1000000, void_on_drift: true, reason: "..."}
    protection:                 # per tier and per endpoint, what the gateway does against misuse
      high: {rows_per_minute: 6000, burst_rows: 6000, reason: "..."}
      endpoints: {mailing: {outside: reject, reason: "..."}}
    limits:                     # for checks that name none, per tier; `all` comes first
      all: {time_s: 900, memory_mib: 4096}
      high: {time_s: 3600}
    waivers:                    # findings that may not pass, each with its reason
      - {step: V4, check: "*", reason: "rule list, it explains itself"}

Every mistake is answered with file, line, key and what is allowed there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from roadworthy.checks.registry import check_named
from roadworthy.domain.errors import PlaybookError, SettingError, shortlist
from roadworthy.domain.gate import Limits, PlannedCheck, Playbook, Step, Waiver
from roadworthy.domain.standing.protection import ProtectionTerms
from roadworthy.domain.trust import ApprovalTerms
from roadworthy.domain.use_case import RiskTier
from roadworthy.evidence.digest import sha256
from roadworthy.services.gates.standing import ENDPOINTS, PROTECTION, terms_from

DEFAULT = Path(__file__).parent / "tabular_binary.yaml"
"""The playbook that ships."""

_TOP = ("name", "steps", "tiers", "approval", "protection", "limits", "waivers")
_CHECK = ("check", "params", "limits")
_EVERY_TIER = "all"
_WAIVER = ("step", "check", "reason")
_TERMS = tuple(f.name for f in fields(ApprovalTerms))

MAX_QUORUM, MAX_AGE_DAYS = 20, 3650.0

APPROVAL: dict[RiskTier, ApprovalTerms] = {
    RiskTier.LOW: ApprovalTerms(
        quorum=1,
        max_age_days=730.0,
        reason="Little is at stake: one independent look suffices, renewed before anybody has forgotten the model.",
    ),
    RiskTier.MEDIUM: ApprovalTerms(
        quorum=1,
        max_age_days=365.0,
        void_on_drift=True,
        reason="A year covers the seasons the model was judged on; a proven defect ends what was judged before it.",
    ),
    RiskTier.HIGH: ApprovalTerms(
        quorum=2,
        max_age_days=180.0,
        max_decisions=1_000_000,
        void_on_drift=True,
        reason="Two people see what one overlooks; half a year or a million decisions bound what an error can cost.",
    ),
}
"""What an approval takes where the playbook does not say."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where in which file a value stands."""

    file: str
    node: yaml.Node

    def error(self, what: str, remedy: str, key: str, allowed: Any = None) -> PlaybookError:
        line = self.node.start_mark.line + 1
        return PlaybookError(
            f"{self.file}, line {line}: {what}", remedy=remedy, file=self.file, line=line, key=key, allowed=allowed
        )


def read_playbook(data: bytes, tier: RiskTier, file: str = "playbook.yaml") -> Playbook:
    """The playbook for one risk tier.

    Raises:
        PlaybookError: not YAML, an unknown key, step, check or parameter, or a value out of range; says where.
    """
    try:
        return _playbook(_parse(data, file), tier, file, sha256(data))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        line = mark.line + 1 if mark else 1
        raise PlaybookError(
            f"{file}, line {line}: not valid YAML: {problem.problem}",
            remedy="Correct the indentation or the quoting there.",
            file=file,
            line=line,
        ) from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise PlaybookError(
            f"{file} holds a value that cannot be read: {problem}",
            remedy="Use plain text, numbers, lists and mappings.",
            file=file,
        ) from problem


def _playbook(root: yaml.Node, tier: RiskTier, file: str, digest: str) -> Playbook:
    top = _mapping(root, file, _TOP, "the playbook")
    for key in ("name", "steps"):
        if key not in top:
            raise _Spot(file, root).error(f"'{key}' is missing", f"Add a '{key}' entry.", key, _TOP)
    overrides = _tier(top.get("tiers"), file, tier)
    limits = _tier_limits(top.get("limits"), file, tier)
    checks = tuple(_steps(top["steps"], file, overrides, limits))
    waivers = tuple(_waivers(top.get("waivers"), file))
    approval = _approval(top.get("approval"), file, tier)
    standing, by_endpoint = _protection(top.get("protection"), file, tier)
    name = str(_value(top["name"]))
    return Playbook(name, tier, checks, waivers, digest, approval, standing, by_endpoint)


def _parse(data: bytes, file: str) -> yaml.Node:
    try:
        root = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as problem:
        raise PlaybookError(f"{file} is not UTF-8 text", remedy="Save it as UTF-8.", file=file) from problem
    if root is None:
        raise PlaybookError(f"{file} is empty", remedy="Start from `roadworthy init`, which writes one.", file=file)
    return root


def _value(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _mapping(node: yaml.Node, file: str, allowed: tuple[str, ...], what: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise _Spot(file, node).error(
            f"{what} must be a mapping", f"Allowed keys: {', '.join(allowed)}.", what, allowed
        )
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = str(_value(key_node))
        if allowed and key not in allowed:
            raise _Spot(file, key_node).error(
                f"{what} has the unknown key '{key}'", f"Allowed: {shortlist(allowed, 30)}.", key, allowed
            )
        if key in found:
            raise _Spot(file, key_node).error(f"'{key}' is given twice", "Keep one of them.", key)
        found[key] = value
    return found


def _sequence(node: yaml.Node, file: str, what: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise _Spot(file, node).error(f"{what} must be a list", "Begin each entry with '- '.", what)
    return list(node.value)


def _tier(node: yaml.Node | None, file: str, tier: RiskTier) -> dict[str, yaml.Node]:
    if node is None:
        return {}
    tiers = _mapping(node, file, tuple(t.value for t in RiskTier), "tiers")
    overrides: dict[str, yaml.Node] = {}
    for name, body in tiers.items():
        given = _mapping(body, file, (), f"tier '{name}'")
        for check, params in given.items():
            _read_params(params, file, check, {})
        if name == tier.value:
            overrides = given
    return overrides


def _approval(node: yaml.Node | None, file: str, tier: RiskTier) -> ApprovalTerms:
    """The tier's terms; every tier given is checked, whichever is asked for."""
    if node is None:
        return APPROVAL[tier]
    given = _mapping(node, file, tuple(t.value for t in RiskTier), "approval")
    read = {name: _terms(body, file, RiskTier(name)) for name, body in given.items()}
    return read.get(tier.value, APPROVAL[tier])


def _terms(node: yaml.Node, file: str, tier: RiskTier) -> ApprovalTerms:
    given = _mapping(node, file, _TERMS, f"approval of tier '{tier.value}'")
    values = {key: _value(value) for key, value in given.items()}
    if not str(values.get("reason") or "").strip():
        raise _Spot(file, node).error(
            f"the approval of tier '{tier.value}' gives no reason", "Say why these terms suit it.", "reason", _TERMS
        )
    for key, (holds, allowed) in _TERM_RANGES.items():
        if key in values and not holds(values[key]):
            raise _Spot(file, given[key]).error(
                f"the approval of tier '{tier.value}' has {key} {values[key]!r}",
                f"Allowed: {allowed}.",
                key,
                allowed,
            )
    return replace(APPROVAL[tier], **{**values, "reason": str(values["reason"]).strip()})


def _protection(
    node: yaml.Node | None, file: str, tier: RiskTier
) -> tuple[ProtectionTerms, dict[str, ProtectionTerms]]:
    """The tier's standing protections, and over them those of single endpoints; every tier given is checked."""
    if node is None:
        return PROTECTION[tier], {}
    given = _mapping(node, file, (*(t.value for t in RiskTier), ENDPOINTS), "protection")
    named = _mapping(given.pop(ENDPOINTS), file, (), "protection of endpoints") if ENDPOINTS in given else {}
    read = {name: _standing(body, file, name, PROTECTION[RiskTier(name)]) for name, body in given.items()}
    own = read.get(tier.value, PROTECTION[tier])
    return own, {name: _standing(body, file, name, own) for name, body in named.items()}


def _standing(node: yaml.Node, file: str, what: str, base: ProtectionTerms) -> ProtectionTerms:
    given = _mapping(node, file, (), f"protection of '{what}'")
    try:
        return terms_from({key: _value(value) for key, value in given.items()}, base)
    except PlaybookError as problem:
        key = str(problem.fields["key"])
        spot = _Spot(file, given.get(key, node))
        said = f"protection of '{what}': {problem.what}"
        raise spot.error(said, problem.remedy, key, problem.fields["allowed"]) from problem


def _is_number(value: object, low: float, high: float, kinds: tuple[type, ...] = (int,)) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= float(str(value)) <= high


_TERM_RANGES: dict[str, tuple[Callable[[object], bool], str]] = {
    "quorum": (lambda v: _is_number(v, 1, MAX_QUORUM), f"a whole number from 1 to {MAX_QUORUM}"),
    "max_age_days": (
        lambda v: v is None or _is_number(v, 1e-6, MAX_AGE_DAYS, (int, float)),
        f"days above 0 up to {MAX_AGE_DAYS:g}, or null for no end",
    ),
    "max_decisions": (
        lambda v: v is None or _is_number(v, 1, 10**15),
        "a whole number from 1, or null for any number",
    ),
    "void_on_drift": (lambda v: isinstance(v, bool), "true or false"),
}


def _steps(node: yaml.Node, file: str, overrides: dict[str, yaml.Node], limits: Limits) -> list[PlannedCheck]:
    steps = _mapping(node, file, tuple(s.name for s in Step), "steps")
    planned: list[PlannedCheck] = []
    for name, body in steps.items():
        for entry in _sequence(body, file, f"step {name}"):
            given = _mapping(entry, file, _CHECK, f"a check of step {name}")
            if "check" not in given:
                raise _Spot(file, entry).error("an entry names no check", "Add 'check: <id>'.", "check", _CHECK)
            check = str(_value(given["check"]))
            _refuse_wrong_step(given["check"], file, check, Step[name])
            base = _read_params(given["params"], file, check, {}) if "params" in given else {}
            params = _read_params(overrides[check], file, check, base) if check in overrides else base
            allowed = _limits(given["limits"], file, check, limits) if "limits" in given else limits
            planned.append(PlannedCheck(Step[name], check, params, allowed))
    return planned


def _refuse_wrong_step(node: yaml.Node, file: str, check: str, step: Step) -> None:
    try:
        belongs = check_named(check).step
    except PlaybookError as problem:
        raise _Spot(file, node).error(
            problem.what, problem.remedy, check, problem.fields.get("allowed")
        ) from problem
    if belongs is not step:
        raise _Spot(file, node).error(
            f"check '{check}' belongs to step {belongs.name}, not {step.name}", f"Move it to {belongs.name}.", check
        )


def _read_params(node: yaml.Node, file: str, check: str, base: dict[str, Any]) -> dict[str, Any]:
    given = _mapping(node, file, (), f"parameters of '{check}'")
    params = {**base, **{key: _value(value) for key, value in given.items()}}
    try:
        check_named(check).params.read(params, check)
    except (PlaybookError, SettingError, TypeError) as problem:
        fields = getattr(problem, "fields", {})
        key = str(fields.get("key", fields.get("field", check)))
        spot = _Spot(file, given.get(key, node))
        raise spot.error(
            f"check '{check}': {getattr(problem, 'what', problem)}",
            getattr(problem, "remedy", "Correct the value."),
            key,
            fields.get("allowed"),
        ) from problem
    return params


def _tier_limits(node: yaml.Node | None, file: str, tier: RiskTier) -> Limits:
    if node is None:
        return Limits()
    given = _mapping(node, file, (_EVERY_TIER, *(t.value for t in RiskTier)), "limits")
    base = _limits(given[_EVERY_TIER], file, _EVERY_TIER, Limits()) if _EVERY_TIER in given else Limits()
    of_tier = {name: _limits(body, file, name, base) for name, body in given.items()}
    return of_tier.get(tier.value, base)


def _limits(node: yaml.Node, file: str, what: str, base: Limits) -> Limits:
    given = _mapping(node, file, tuple(LIMIT_RANGES), f"the limits of '{what}'")
    values: dict[str, Any] = {}
    for key, value_node in given.items():
        value, (low, high) = _value(value_node), LIMIT_RANGES[key]
        kinds = int if key == "memory_mib" else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise _Spot(file, value_node).error(
                f"the limits of '{what}': '{key}' is {value!r}",
                f"Allowed: {'a whole number, ' if kinds is int else ''}{low:g} to {high:g}.",
                key,
                (low, high),
            )
        values[key] = value
    return replace(base, **values)


LIMIT_RANGES: dict[str, tuple[float, float]] = {"time_s": (0.1, 86_400), "memory_mib": (64, 1_048_576)}
"""What each limit may be, in its unit; both ends allowed."""


def _waivers(node: yaml.Node | None, file: str) -> list[Waiver]:
    if node is None:
        return []
    waivers: list[Waiver] = []
    for entry in _sequence(node, file, "waivers"):
        given = _mapping(entry, file, _WAIVER, "a waiver")
        for key in _WAIVER:
            if key not in given or not str(_value(given[key]) or "").strip():
                raise _Spot(file, entry).error(
                    f"a waiver lacks its {key}", "A waiver names step, check and reason.", key, _WAIVER
                )
        step, check = str(_value(given["step"])), str(_value(given["check"]))
        if step not in Step.__members__:
            raise _Spot(file, given["step"]).error(
                f"there is no step '{step}'",
                f"Allowed: {', '.join(Step.__members__)}.",
                step,
                list(Step.__members__),
            )
        if check != "*":
            _refuse_wrong_step(given["check"], file, check, Step[step])
        waivers.append(Waiver(Step[step], check, str(_value(given["reason"])).strip()))
    return waivers
