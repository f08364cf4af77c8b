"""Access rules in Cedar: a policy file anybody can read, checked against a schema when it is loaded."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy

from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import Person, Ruling

ACTIONS: tuple[str, ...] = (
    "register-use-case",
    "agree-contract",
    "register-dataset",
    "register-version",
    "validate",
    "sign-off",
    "release",
    "accept-hand-off",
    "activate",
    "deploy",
    "roll-back",
    "promote",
    "ingest-outcomes",
    "keep-log",
    "erase",
    "review",
    "read",
    "manage-people",
    "suspend",
    "reinstate",
    "retire",
    "delegate",
    "revoke-delegation",
    "cancel-gate",
    "register-agent",
    "report",
    "manage-work",
    "manage-tokens",
    "manage-policy",
    "issue-dossier",
    "export",
    "explain",
    "explain-in-full",
)
"""Everything one may ask permission for."""

FACTS: tuple[str, ...] = (
    "developers",
    "owner",
    "risk_tier",
    "state",
    "strategy",
    "use_case",
    "version",
    "endpoint",
)
"""What a rule may know of the object: `developers` is a list of text, all others are text."""

MAX_POLICY_BYTES = 65_536

MAX_NESTING = 32
"""How deep brackets may nest: Cedar's parser recurses, and ends the process at some hundreds."""

_HERE = Path(__file__).parent
_SCHEMA = (_HERE / "roadworthy.cedarschema").read_text(encoding="utf-8")
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*', re.DOTALL)
_ID = re.compile(r'@id\("([^"]+)"\)')
_RESOURCE = {"type": "Platform", "id": "roadworthy"}


@dataclass(frozen=True)
class _Rules:
    """A parsed, validated policy file; `ids` are its rules' names, in the order of the file."""

    source: str
    text: str
    policies: cedarpy.PolicySet
    ids: tuple[str, ...]


class CedarPolicy:
    """The port `Policy` on Cedar. Starts with the shipped rules; `replace` puts others in force.

    A request that Cedar cannot evaluate cleanly is denied: a rule that failed may have been the one that forbids.
    Replacing swaps one reference, so requests running meanwhile see the old rules or the new, never a mix.
    """

    def __init__(self) -> None:
        path = _HERE / "roadworthy.cedar"
        self._schema = cedarpy.Schema.from_str(_SCHEMA)
        self._rules = self._parse(path.read_text(encoding="utf-8"), path.name)

    @property
    def source(self) -> str:
        """Where the rules in force come from."""
        return self._rules.source

    @property
    def text(self) -> str:
        """The rules in force, as they were written."""
        return self._rules.text

    @property
    def actions(self) -> tuple[str, ...]:
        """Everything one may ask permission for."""
        return ACTIONS

    def permits(self, person: Person, action: str, facts: Mapping[str, Any]) -> bool:
        """Whether the rules in force allow the action.

        Args:
            person: who asks; each of their roles counts.
            action: one of `ACTIONS`.
            facts: what is known of the object, keys from `FACTS`; sign-off needs `developers`.

        Raises:
            SettingError: an unknown action or fact, or a fact of the wrong type.
        """
        return self.explain(person, action, facts).allowed

    def explain(self, person: Person, action: str, facts: Mapping[str, Any]) -> Ruling:
        """Whether the rules in force allow the action, and which of them decide it. Arguments as `permits`.

        A rule is named by its `@id`, or by its place in the file (`rule-3`). What no rule permits is denied because
        of `no-rule-permits`; where a rule could not be evaluated, because of `rule-failed`.
        """
        if action not in ACTIONS:
            raise SettingError(
                f"unknown action {action!r}", remedy=f"Allowed: {', '.join(ACTIONS)}.", field="action", value=action
            )
        request = {
            "principal": {"type": "Person", "id": person.id},
            "action": {"type": "Action", "id": action},
            "resource": _RESOURCE,
            "context": _context(facts),
        }
        rules = self._rules
        result = cedarpy.is_authorized(request, rules.policies, _entities(person), self._schema)
        if result.diagnostics.errors:
            return Ruling(False, ("rule-failed",))
        because = tuple(rules.ids[_number(i)] for i in sorted(result.diagnostics.reasons, key=_number))
        return Ruling(result.allowed, because or ("no-rule-permits",))

    def checked(self, text: str, source: str) -> CedarPolicy:
        """Other rules, apart from those in force. Raises SettingError as `replace`."""
        other = copy.copy(self)
        other.replace(text, source)
        return other

    def replace(self, text: str, source: str) -> None:
        """Put other rules in force. When they are refused, the old ones stay.

        Args:
            text: a Cedar policy file using the words of `roadworthy.cedarschema`.
            source: how to call it in messages, like its file name.

        Raises:
            SettingError: too large, a syntax error, or a word the schema does not know; names the line.
        """
        self._rules = self._parse(text, source)

    def load(self, path: Path) -> None:
        """Put the rules of a file in force. Raises SettingError as `replace`, and when it cannot be read."""
        try:
            text = path.read_bytes()[: MAX_POLICY_BYTES + 1].decode()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(
                f"policy file {path.name} cannot be read as UTF-8 text: {error}",
                remedy="Give a readable Cedar policy file; the rules in force stay as they were.",
                field="policy",
            ) from error
        self.replace(text, path.name)

    def _parse(self, text: str, source: str) -> _Rules:
        if len(text.encode()) > MAX_POLICY_BYTES:
            raise _refused(source, 1, f"it is larger than {MAX_POLICY_BYTES} bytes")
        _check_nesting(text, source)
        ends = _last_lines(text, source)
        if not ends:
            raise _refused(source, 1, "it holds no policy, so nobody could do anything")
        result = cedarpy.validate_policies(text, self._schema)
        if not result.validation_passed:
            first = min(result.errors, key=lambda e: _number(e.policy_id))
            number = _number(first.policy_id)
            line = ends[number] if number < len(ends) else 1
            raise _refused(source, line, f"the policy ending there: {first.error}")
        return _Rules(source, text, cedarpy.PolicySet.from_str(text), _ids(text, ends))


def _check_nesting(text: str, source: str) -> None:
    depth = 0
    for number, line in enumerate(_STRING_OR_COMMENT.sub(_only_line_ends, text).split("\n"), start=1):
        for letter in line:
            depth = depth + 1 if letter in "([{" else max(depth - 1, 0) if letter in ")]}" else depth
            if depth > MAX_NESTING:
                raise _refused(source, number, f"brackets nest deeper than {MAX_NESTING} levels")


def _only_line_ends(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def _last_lines(text: str, source: str) -> list[int]:
    """The last line of every policy in a file, counted from 1.

    Cedar's Python binding reports what is wrong but not where, so the text is fed to it line by line: a prefix of
    a good policy is merely unfinished ("unexpected end of input"); the first line that makes it anything else
    holds the error.

    Raises:
        SettingError: the first line that cannot be.
    """
    lines = text.rstrip().split("\n")
    ends: list[int] = []
    pending: list[str] = []
    why = ""
    for number, line in enumerate(lines, start=1):
        pending.append(line)
        try:
            found = len(cedarpy.PolicySet.from_str("\n".join(pending)))
        except ValueError as error:
            why = str(error)
            if "end of input" not in why:
                raise _refused(source, number, why) from error
            continue
        ends += [number] * found
        pending, why = [], ""
    if why:
        raise _refused(source, len(lines), f"the last policy is not finished: {why}")
    return ends


def _ids(text: str, ends: Sequence[int]) -> tuple[str, ...]:
    """The rules' names: their `@id`, or their place in the file."""
    lines, start = text.split("\n"), 0
    names: list[str] = []
    for place, end in enumerate(ends, start=1):
        body = "\n".join(line for line in lines[start:end] if not line.lstrip().startswith("//"))
        # Two rules that end on one line share it: only the first could be told its name.
        found = _ID.search(body) if end > start else None
        names.append(found[1] if found else f"rule-{place}")
        start = max(start, end)
    return tuple(names)


def _number(policy_id: str) -> int:
    """Cedar names the policies of a file policy0, policy1, ..."""
    digits = policy_id.removeprefix("policy")
    return int(digits) if digits.isdigit() else 0


def _context(facts: Mapping[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in FACTS:
            raise SettingError(f"unknown fact {name!r}", remedy=f"Allowed: {', '.join(FACTS)}.", field=name)
        members = (
            list(value) if name == "developers" and isinstance(value, list | tuple | set | frozenset) else None
        )
        good = all(isinstance(m, str) for m in members) if members is not None else isinstance(value, str)
        if not good or (name == "developers") != (members is not None):
            expected = "a list of text" if name == "developers" else "text"
            raise SettingError(f"fact {name!r} is {value!r}", remedy=f"Give {expected}.", field=name)
        context[name] = value if members is None else members
    return context


def _entities(person: Person) -> str:
    roles = [{"type": "Role", "id": role.value} for role in person.roles]
    who = {"uid": {"type": "Person", "id": person.id}, "attrs": {"name": person.id}, "parents": roles}
    return json.dumps([who, *({"uid": uid, "attrs": {}, "parents": []} for uid in roles)])


def _refused(source: str, line: int, why: str) -> SettingError:
    return SettingError(
        f"policy file {source}, line {line}: {why[:300]}",
        remedy="Correct it and load it again; the rules in force stay as they were.",
        field="policy",
        line=line,
    )
