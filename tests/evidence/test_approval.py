"""Approvals: who counts, how often, until when, for which rows; by hand-made statements and brute force."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.domain.errors import CouldNotVerifyError, IntegrityError
from roadworthy.domain.gate import Gate
from roadworthy.domain.trust import ApprovalTerms, Conditions, Delegation, Person, Role, SignOff
from roadworthy.evidence import statements
from roadworthy.evidence.approval import Vote, counted, intersect, licence_of, require_sign_off
from roadworthy.evidence.envelope import evidence_id, seal
from roadworthy.evidence.licence import open_all
from roadworthy.evidence.served import verify_served
from roadworthy.evidence.trust import TrustRoot

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TWO = ApprovalTerms(quorum=2, max_age_days=100.0, max_decisions=50, void_on_drift=True, reason="high")


PEOPLE = {
    "vera": (Role.VALIDATOR,),
    "victor": (Role.VALIDATOR,),
    "rita": (Role.RISK_REVIEWER,),
    "ada": (Role.AUDITOR,),
    "mia": (Role.VALIDATOR, Role.DATA_SCIENTIST),
}


class Desk:
    """A validation that demands a quorum of two, and people who sign it."""

    def __init__(self, world, terms=TWO, makers=("dev", "mia")):
        self.world, self.now = world, world.NOW
        self.keyring = type(world.keyring)()
        people = list(world.trust.people)
        for name, roles in PEOPLE.items():
            key = self.keyring.create(name)
            people.append(Person(name, roles, key.key_id, key.public_key))
        self.trust = TrustRoot(tuple(people))
        run = world.finished(Gate.VALIDATION)
        playbook = replace(world.PLAYBOOK, approval=terms)
        self.validation = world.sign(
            statements.gate_run_statement(
                run, world.VERSION, world.USE_CASE, playbook, tools={}, now=world.NOW, makers=makers
            ),
            "platform",
        )

    def vote(self, by, *, days=0.0, number=1, delegation="", person="", approved=True, **conditions):
        at = self.now + timedelta(days=days)
        entity = SignOff(
            id=f"so-{by}-{days}-{number}-{delegation}",
            version=self.world.VERSION.id,
            gate_run="run-validation",
            evidence=evidence_id(self.validation),
            person=person or by,
            approved=approved,
            reason="sound",
            created_at=at,
            conditions=Conditions(**conditions),
            delegation=delegation,
            round=number,
        )
        return seal(statements.sign_off_statement(entity, now=at), self.keyring.signer(by))

    def delegation(self, giver="vera", taker="rita", *, by="", **changes):
        plain = Delegation("d-1", giver, taker, "sign-off", "", "away", self.now, self.now + timedelta(days=30))
        return seal(
            statements.delegation_statement(replace(plain, **changes), now=self.now),
            self.keyring.signer(by or giver),
        )

    def licence(self, *envelopes):
        opened = open_all((self.validation, *envelopes), self.trust, now=None)
        return require_sign_off(opened, opened[0])


@pytest.fixture(scope="module")
def desk(world):
    """One desk for all: signing is real, and nothing in it changes."""
    return Desk(world)


def test_a_quorum_of_two_is_two_people(desk):
    found = desk.licence(desk.vote("vera"), desk.vote("victor", days=2))
    assert (found.signers, found.since) == (("vera", "victor"), desk.now)
    assert found.until == desk.now + timedelta(days=100)
    assert (found.max_decisions, found.void_on_drift) == (50, True)


SHORT = {
    "one person": [("vera", {})],
    "the same person twice": [("vera", {}), ("vera", {"days": 1})],
    "one in each round": [("vera", {}), ("victor", {"number": 2})],
}


@pytest.mark.parametrize("votes", SHORT.values(), ids=SHORT)
def test_less_than_the_quorum_is_missing_evidence_and_says_how_many_of_how_many(desk, votes):
    with pytest.raises(CouldNotVerifyError, match="1 of 2 that count") as missing:
        desk.licence(*(desk.vote(who, **about) for who, about in votes))
    assert (missing.value.fields["signatures"], missing.value.fields["quorum"]) == (1, 2)


@pytest.mark.parametrize(
    ("who", "about", "why"),
    [
        ("mia", {}, "mia developed it or a version it descends from"),
        ("victor", {"approved": False}, "rejects it"),
        ("victor", {"person": "vera"}, "is signed by victor but states 'vera'"),
        ("rita", {}, "who is no validator"),
        ("ada", {}, "who is no validator"),
    ],
    ids=["a maker of an ancestor", "a rejection", "another's name", "no validator", "an auditor"],
)
def test_a_signature_that_may_not_be_there_refuses_the_version(desk, who, about, why):
    with pytest.raises(IntegrityError, match=why):
        desk.licence(desk.vote("vera"), desk.vote("victor", days=1), desk.vote(who, days=2, **about))


def test_a_renewal_counts_when_its_quorum_is_reached_and_the_earlier_round_until_then(desk):
    first = (desk.vote("vera"), desk.vote("victor"))
    half = desk.licence(*first, desk.vote("vera", days=90, number=2))
    assert (half.round, half.since) == (1, desk.now)
    whole = desk.licence(*first, desk.vote("vera", days=90, number=2), desk.vote("victor", days=95, number=2))
    assert (whole.round, whole.since) == (2, desk.now + timedelta(days=90))
    assert whole.until == desk.now + timedelta(days=190)


def test_conditions_of_several_are_intersected(desk):
    early, late = desk.now + timedelta(days=10), desk.now + timedelta(days=20)
    found = desk.licence(
        desk.vote("vera", until=late, only={"job": ("admin", "été"), "age": ("1",)}),
        desk.vote("victor", until=early, only={"job": ("été", "other")}),
    )
    assert (found.until, found.only) == (early, {"job": ("été",), "age": ("1",)})


# Delegation


def test_who_signs_in_a_validators_place_counts_in_their_stead(desk):
    found = desk.licence(desk.delegation(), desk.vote("rita", delegation="d-1"), desk.vote("victor"))
    assert found.signers == ("rita for vera", "victor")


def test_one_person_never_fills_a_quorum_alone(desk):
    lent = desk.delegation(taker="victor")
    with pytest.raises(CouldNotVerifyError, match="1 of 2"):
        desk.licence(lent, desk.vote("victor"), desk.vote("victor", delegation="d-1"))


def test_a_giver_who_signs_too_counts_once(desk):
    with pytest.raises(CouldNotVerifyError, match="1 of 2"):
        desk.licence(desk.delegation(), desk.vote("vera"), desk.vote("rita", delegation="d-1"))


WRONG = {
    "missing": ({}, None, "missing: delegation d-1"),
    "signed by the taker": ({"by": "rita"}, "rita", "was not granted by vera|who is no validator"),
    "given to another": ({"taker": "ada"}, "rita", "was given to ada"),
    "for another action": ({"action": "release"}, "rita", "is for 'release'"),
    "for another use case": ({"use_case": "churn"}, "rita", "is for use case 'churn'"),
    "ended": ({"until": "now"}, "rita", "had ended"),
    "of a maker": ({"giver": "mia"}, "rita", "mia developed it"),
    "to an auditor": ({"taker": "ada"}, "ada", "may sign nothing"),
    "chained": ({"giver": "rita", "taker": "ada"}, "ada", "who is no validator"),
}


@pytest.mark.parametrize(("changes", "taker", "why"), WRONG.values(), ids=WRONG)
def test_a_delegation_that_does_not_cover_the_signature_refuses_it(desk, changes, taker, why):
    about = {k: desk.now if v == "now" else v for k, v in changes.items()}
    papers = [desk.delegation(**about)] if taker else []
    with pytest.raises(IntegrityError, match=why):
        desk.licence(*papers, desk.vote(taker or "rita", delegation="d-1"), desk.vote("victor"))


def test_what_was_signed_before_a_revocation_stands_and_after_it_does_not(desk):
    revoked = desk.delegation(revoked_at=desk.now + timedelta(days=2))
    papers = (desk.delegation(), revoked, desk.vote("victor"))
    assert desk.licence(*papers, desk.vote("rita", days=1, delegation="d-1")).signers == ("victor", "rita for vera")
    with pytest.raises(IntegrityError, match="was revoked"):
        desk.licence(*papers, desk.vote("rita", days=2, delegation="d-1"))


# The counting itself, beside brute force


def brute(votes):
    """Try every assignment of places to people."""
    people, places = sorted({v.person for v in votes}), sorted({v.place for v in votes})
    edges = {(v.person, v.place) for v in votes}
    padded = places + [None] * len(people)
    return max(
        (
            sum((who, where) in edges for who, where in zip(people, chosen, strict=False))
            for chosen in permutations(padded, len(people))
        ),
        default=0,
    )


NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(st.tuples(NAMES, NAMES), max_size=7))
def test_the_count_is_the_best_of_all_ways_to_seat_them(pairs):
    votes = [Vote(who, where, NOW) for who, where in pairs]
    assert counted(votes) == brute(votes)


def test_no_conditions_are_no_limit_and_no_terms_are_one_signature():
    assert intersect([Conditions(), Conditions()]) == Conditions()
    found = licence_of("v", [Vote("vera", "vera", NOW)], ApprovalTerms())
    assert (found.until, found.max_decisions, found.only) == (None, None, {})


def test_what_a_gateway_is_given_carries_the_licence_of_every_version(world):
    (found,) = verify_served(world.served(), world.trust, now=None).licences
    assert (found.version, found.signers) == (world.VERSION.id, ("val",))
