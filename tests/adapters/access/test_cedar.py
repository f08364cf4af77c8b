"""The shipped rules as one table, and what happens when somebody replaces them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from roadworthy.adapters.access import ACTIONS, CedarPolicy
from roadworthy.adapters.access.cedar import FACTS, MAX_POLICY_BYTES
from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import Person, Role

COLUMNS = [
    "data-scientist",
    "validator",
    "risk-reviewer",
    "operator",
    "business-owner",
    "auditor",
    "administrator",
    "platform",
    "privacy-officer",
]

#                     scien. valid. risk   oper.  owner  audit. admin. platf. priv.
TABLE = """
register-use-case     yes    -      -      -      yes    -      yes    -      -
agree-contract        -      -      -      -      yes    -      -      -      -
register-dataset      yes    -      -      -      -      -      yes    -      -
register-version      yes    -      -      -      -      -      yes    -      -
validate              yes    yes    -      -      -      -      yes    -      -
sign-off              -      yes    -      -      -      -      -      -      -
release               -      -      yes    yes    -      -      yes    -      -
accept-hand-off       -      -      -      yes    -      -      yes    -      -
activate              -      -      -      yes    -      -      yes    -      -
deploy                -      -      -      yes    -      -      yes    yes    -
roll-back             -      -      -      yes    -      -      yes    yes    -
promote               -      -      -      yes    -      -      yes    yes    -
ingest-outcomes       -      -      -      yes    -      -      yes    yes    -
review                -      -      -      yes    yes    -      yes    yes    -
read                  yes    yes    yes    yes    yes    yes    yes    yes    yes
explain               yes    yes    yes    yes    yes    yes    yes    yes    yes
explain-in-full       yes    yes    yes    -      -      yes    yes    -      -
register-agent        -      -      -      yes    -      -      yes    -      -
report                -      -      -      yes    -      -      yes    -      -
manage-people         -      -      -      -      -      -      yes    -      -
suspend               -      yes    yes    yes    -      -      yes    yes    -
reinstate             -      -      yes    yes    -      -      yes    yes    -
retire                -      -      yes    yes    yes    -      yes    -      -
delegate              -      yes    -      yes    -      -      -      -      -
revoke-delegation     -      yes    -      yes    -      -      yes    -      -
cancel-gate           yes    yes    yes    yes    -      -      yes    -      -
manage-work           yes    yes    yes    yes    yes    -      yes    yes    -
manage-tokens         yes    yes    yes    yes    yes    -      yes    -      -
manage-policy         -      -      -      -      -      -      yes    -      -
issue-dossier         -      yes    yes    yes    yes    yes    yes    yes    -
export                -      yes    yes    yes    yes    yes    yes    -      yes
keep-log              -      -      -      yes    -      -      yes    yes    yes
erase                 -      -      -      -      -      -      yes    -      yes
"""
EXPECTED = {
    (action, role): cell == "yes"
    for action, *cells in (line.split() for line in TABLE.strip().splitlines())
    for role, cell in zip(COLUMNS, cells, strict=True)
}
MINE = {"developers": ["somebody-else"], "owner": "me"}
"""A version of somebody else, and a token or delegation of my own."""


def person(*roles, name="me"):
    return Person(name, tuple(Role(r) for r in roles), "", "")


@pytest.fixture(scope="module")
def shipped():
    return CedarPolicy()


@pytest.fixture
def policy():
    return CedarPolicy()


def test_the_table_covers_every_role_and_every_action():
    assert {r for _, r in EXPECTED} == {r.value for r in Role}
    assert {a for a, _ in EXPECTED} == set(ACTIONS)
    assert len(EXPECTED) == len(ACTIONS) * len(Role)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", COLUMNS)
def test_a_role_may_do_exactly_what_the_table_says(shipped, role, action):
    assert shipped.permits(person(role), action, MINE) is EXPECTED[action, role]


def test_somebody_without_a_role_only_reads(shipped):
    assert {a for a in ACTIONS if shipped.permits(person(), a, MINE)} == {"read", "explain"}


def test_an_auditor_reads_and_takes_evidence_along_and_changes_nothing(shipped):
    may = {a for a in ACTIONS if shipped.permits(person("auditor"), a, MINE)}
    assert may == {"read", "explain", "explain-in-full", "export", "issue-dossier"}


@pytest.mark.parametrize("action", ["manage-tokens", "revoke-delegation"])
@pytest.mark.parametrize("facts", [{}, {"owner": "you"}], ids=["nobody's", "another's"])
def test_only_an_administrator_handles_tokens_and_delegations_of_others(shipped, action, facts):
    asking = [r for r in COLUMNS if shipped.permits(person(r), action, facts)]
    assert asking == ["administrator"]


def test_several_roles_add_up(shipped):
    both = person("risk-reviewer", "data-scientist")
    allowed = {a for a in ACTIONS if shipped.permits(both, a, MINE)}
    assert allowed == {a for a in ACTIONS if EXPECTED[a, "risk-reviewer"] or EXPECTED[a, "data-scientist"]}


def test_every_role_at_once_still_signs_off_no_version_of_their_own(shipped):
    everything = person(*COLUMNS)
    assert not shipped.permits(everything, "sign-off", {"developers": ["me"]})
    assert shipped.permits(everything, "sign-off", {"developers": ["you"]})


@pytest.mark.parametrize("name", ["me", 'quo"te', "new\nline", "back\\slash", "Zoë", "a::b"])
def test_a_validator_signs_off_the_work_of_others_only(shipped, name):
    validator = person("validator", name=name)
    assert shipped.permits(validator, "sign-off", {"developers": ["dev"]})
    assert shipped.permits(validator, "sign-off", {"developers": ("dev", "dev2")})
    assert not shipped.permits(validator, "sign-off", {"developers": ["dev", name]})


def test_unknown_developers_are_no_permission_to_sign_off(shipped):
    assert not shipped.permits(person("validator"), "sign-off", {})
    assert not shipped.permits(person("validator"), "sign-off", {"developers": []})


@pytest.mark.parametrize(
    ("action", "facts", "message"),
    [
        ("sing-off", {}, "unknown action 'sing-off'"),
        ("read", {"colour": "red"}, "unknown fact 'colour'"),
        ("read", {"developers": "dev"}, "'developers' is 'dev'"),
        ("read", {"developers": [1]}, "'developers' is"),
        ("read", {"risk_tier": 3}, "'risk_tier' is 3"),
        ("read", {"owner": ["a"]}, "'owner' is"),
    ],
    ids=["action", "fact", "text for a list", "numbers", "number", "list for text"],
)
def test_a_misspelt_action_or_fact_is_an_error_and_not_a_silent_no(shipped, action, facts, message):
    with pytest.raises(SettingError, match=message):
        shipped.permits(person("administrator"), action, facts)


def test_every_fact_reaches_the_rules(policy):
    for fact in FACTS:
        test = 'context.developers.contains("x")' if fact == "developers" else f'context.{fact} == "x"'
        policy.replace(
            f"permit (principal, action, resource) when {{ context has {fact} && {test} }};", "mine.cedar"
        )
        given = {fact: ["x"] if fact == "developers" else "x"}
        assert policy.permits(person(), "deploy", given)
        assert not policy.permits(person(), "deploy", {})


def test_many_threads_may_ask_while_the_rules_are_replaced(policy):
    def ask(turn):
        if turn % 50 == 0:
            policy.replace(GOOD, "open.cedar")
        return policy.permits(person("operator"), "deploy", {"use_case": str(turn)})

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


def test_replaced_rules_are_in_force_at_once(policy):
    policy.replace('permit (principal in Role::"auditor", action == Action::"deploy", resource);', "mine.cedar")
    assert policy.source == "mine.cedar"
    assert policy.permits(person("auditor"), "deploy", {})
    assert not policy.permits(person("administrator"), "read", {})


def test_rules_may_depend_on_the_object(policy):
    rule = 'permit (principal, action == Action::"release", resource)'
    policy.replace(rule + ' when { context has risk_tier && context.risk_tier != "high" };', "mine.cedar")
    assert policy.permits(person(), "release", {"risk_tier": "low"})
    assert not policy.permits(person(), "release", {"risk_tier": "high"})
    assert not policy.permits(person(), "release", {})


GOOD = "permit (principal, action, resource);\n"
REFUSED = {
    "a missing word": (GOOD + "permit (principal == , action, resource);", 2, "unexpected token"),
    "a missing semicolon": ("permit (principal, action, resource)\n\n" + GOOD, 3, "unexpected token"),
    "not a rule": (GOOD + "// so far so good\nallow (principal, action, resource);", 3, "allow"),
    "an unknown variable": ("permit (\n  principal, action, resource\n) when { foo };", 3, "foo"),
    "an open text": (
        GOOD + 'permit (principal, action, resource) when { context.owner == "a };',
        2,
        "invalid token",
    ),
    "an unfinished rule": (GOOD + "permit (principal,\n  action\n\n", 3, "not finished"),
    "an unknown action": (GOOD + 'permit (principal, action == Action::"sing-off",\n resource);', 3, "sing-off"),
    "an unknown role kind": (GOOD + 'permit (principal in Team::"x", action, resource);', 2, "Team"),
    "an unknown fact": ("\n\npermit (principal, action, resource) when { context.colour == 1 };", 3, "colour"),
    "a fact that may be absent": (
        'permit (principal, action, resource) when { context.owner == "a" };',
        1,
        "owner",
    ),
    "nothing": ("", 1, "no policy"),
    "only a comment": ("// later\n", 1, "no policy"),
    "too deep": (
        GOOD + "permit (principal, action, resource) when {" + "(" * 900 + "true" + ")" * 900 + "};",
        2,
        "deeper",
    ),
    "too large": (GOOD + "/" * MAX_POLICY_BYTES, 1, "larger than"),
}


@pytest.mark.parametrize(("text", "line", "why"), REFUSED.values(), ids=REFUSED)
def test_bad_rules_are_refused_naming_the_line_and_the_old_ones_stay(policy, text, line, why):
    with pytest.raises(SettingError, match=rf"bad\.cedar, line {line}: .*{why}") as caught:
        policy.replace(text, "bad.cedar")
    assert caught.value.fields["line"] == line
    assert policy.source == "roadworthy.cedar"
    assert policy.permits(person("operator"), "deploy", {})


def test_brackets_in_texts_and_comments_do_not_count_as_nesting(policy):
    text = "// " + "(" * 100 + '\npermit (principal, action, resource) when { "' + "{" * 100 + '\\"" != "" };\n'
    policy.replace(text, "mine.cedar")
    assert policy.permits(person(), "deploy", {})


def test_a_file_is_loaded_by_its_name_and_an_unreadable_one_changes_nothing(policy, tmp_path):
    good, binary = tmp_path / "rules.cedar", tmp_path / "binary.cedar"
    good.write_text(GOOD)
    binary.write_bytes(b"\xff\xfe")
    policy.load(good)
    assert policy.source == "rules.cedar"
    for bad in (binary, tmp_path / "absent.cedar", tmp_path):
        with pytest.raises(SettingError, match="cannot be read"):
            policy.load(bad)
    assert policy.permits(person("auditor"), "deploy", {})


def test_a_rule_that_fails_to_evaluate_denies_since_it_may_be_the_one_that_forbids(policy):
    overflow = 'forbid (principal, action == Action::"deploy", resource) when { 9223372036854775807 + 1 > 0 };'
    policy.replace(GOOD + overflow, "mine.cedar")
    assert not policy.permits(person("administrator"), "deploy", {})
    assert policy.permits(person("administrator"), "read", {})
