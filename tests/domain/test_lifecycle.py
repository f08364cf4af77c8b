"""The life cycle of a version, walked at random: labels come only from passed gates, refusals name the way on."""

from __future__ import annotations

import re
from collections import deque
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from roadworthy.domain.errors import IllegalTransitionError
from roadworthy.domain.lifecycle import TRANSITIONS, Event, State, advance, allowed_events

ONLY_WAY_IN = {
    State.AWAITING_SIGN_OFF: {Event.VALIDATION_PASSED},
    State.VALIDATED: {Event.SIGN_OFF, Event.RELEASE_BLOCKED},
    State.CANDIDATE: {Event.RELEASE_PASSED, Event.ACTIVATION_BLOCKED},
    State.ACTIVATED: {Event.ACTIVATION_PASSED, Event.REINSTATE},
    State.RETIRED: {Event.RETIRE},
}
"""Labels, and the only events that may set them. A blocked gate puts back the label that was there."""

EARNED_BY = {
    State.VALIDATED: Event.SIGN_OFF,
    State.RELEASING: Event.SIGN_OFF,
    State.CANDIDATE: Event.RELEASE_PASSED,
    State.ACTIVATING: Event.RELEASE_PASSED,
    State.ACTIVATED: Event.ACTIVATION_PASSED,
    State.SUSPENDED: Event.ACTIVATION_PASSED,
}
"""What must have happened since a version last started validation for it to stand there."""

ALL_PAIRS = list(product(State, Event))
LEGAL = list(TRANSITIONS)
ILLEGAL = [pair for pair in ALL_PAIRS if pair not in TRANSITIONS]


def name_of(pair: tuple[State, Event]) -> str:
    return f"{pair[0].value}, {pair[1].value}"


@pytest.mark.parametrize("pair", LEGAL, ids=name_of)
def test_every_transition_of_the_table_can_be_taken_by_a_version_that_starts_registered(
    pair: tuple[State, Event],
) -> None:
    start, event = pair
    state = State.REGISTERED
    for step in path_to(start):
        state = advance(state, step)
    assert state is start
    assert advance(state, event) is TRANSITIONS[pair]


@pytest.mark.parametrize("pair", ILLEGAL, ids=name_of)
def test_every_other_pair_is_refused_and_the_refusal_names_what_is_allowed(pair: tuple[State, Event]) -> None:
    state, event = pair
    with pytest.raises(IllegalTransitionError) as caught:
        advance(state, event, subject="credit v3")
    allowed = [e.value for (start, e) in TRANSITIONS if start is state]
    assert caught.value.remedy == f"Possible now: {', '.join(allowed) or 'none (this state is final)'}."
    assert caught.value.what == f"credit v3 is {state.value}: '{event.value}' is not possible from there"
    assert caught.value.fields == {"state": state.value, "event": event.value}


def test_a_refusal_without_a_name_speaks_of_the_version() -> None:
    with pytest.raises(IllegalTransitionError, match=re.escape("the version is retired")):
        advance(State.RETIRED, Event.RE_ENTER)


@pytest.mark.parametrize("state", State, ids=lambda s: s.value)
def test_only_an_activated_version_may_serve(state: State) -> None:
    assert state.may_serve == (state.value == "activated")


@pytest.mark.parametrize("state", State, ids=lambda s: s.value)
def test_only_retired_is_final_and_every_other_state_can_get_there(state: State) -> None:
    assert bool(allowed_events(state)) == (state is not State.RETIRED)
    assert state is State.RETIRED or State.RETIRED in reachable_from(state)


@pytest.mark.parametrize("label", ONLY_WAY_IN, ids=lambda s: s.value)
def test_a_label_is_set_by_nothing_but_its_own_events(label: State) -> None:
    assert {event for (_, event), target in TRANSITIONS.items() if target is label} == ONLY_WAY_IN[label]


@pytest.mark.parametrize(
    ("gate", "back_to"),
    [("VALIDATION", State.REGISTERED), ("RELEASE", State.VALIDATED), ("ACTIVATION", State.CANDIDATE)],
)
def test_a_gate_passes_fails_or_gives_nothing(gate: str, back_to: State) -> None:
    running = TRANSITIONS[(back_to, Event[f"START_{gate}"])]
    assert set(allowed_events(running)) == {Event[f"{gate}_{end}"] for end in ("PASSED", "FAILED", "BLOCKED")}
    assert advance(running, Event[f"{gate}_BLOCKED"]) is back_to
    assert advance(running, Event[f"{gate}_FAILED"]) is State.RETURNED


def test_every_event_is_used_and_every_state_is_reached() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert reachable_from(State.REGISTERED) | {State.REGISTERED} == set(State)


class Version(RuleBasedStateMachine):
    """A version to which anything may happen in any order, with what it earned kept beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.REGISTERED
        self.since_validation: set[Event] = set()

    @rule(event=st.sampled_from(Event))
    def anything_happens(self, event: Event) -> None:
        """Legal or not: refused events leave the version where it stands."""
        if event not in allowed_events(self.state):
            with pytest.raises(IllegalTransitionError, match=re.escape(f"'{event.value}' is not possible")):
                advance(self.state, event)
        else:
            self.happen(event)

    @precondition(lambda self: allowed_events(self.state))
    @rule(data=st.data())
    def something_legal_happens(self, data: st.DataObject) -> None:
        """Legal only, so that walks get far; retiring is left to `anything_happens`, or walks would end early."""
        events = [e for e in allowed_events(self.state) if e is not Event.RETIRE]
        self.happen(data.draw(st.sampled_from(events)))

    def happen(self, event: Event) -> None:
        """Take the step and remember it; what an earlier validation gave counts for nothing after a new start."""
        if event is Event.START_VALIDATION:
            self.since_validation.clear()
        self.state = advance(self.state, event)
        self.since_validation.add(event)

    @invariant()
    def it_stands_only_where_its_gates_and_signatures_put_it(self) -> None:
        """Nobody is validated without a sign-off, candidate without a release, activated without an activation."""
        earned = EARNED_BY.get(self.state)
        assert earned is None or earned in self.since_validation

    @invariant()
    def whoever_serves_has_passed_all_three_gates_and_a_signature(self) -> None:
        """The whole way, not only its last step."""
        needed = {Event.VALIDATION_PASSED, Event.SIGN_OFF, Event.RELEASE_PASSED, Event.ACTIVATION_PASSED}
        assert not self.state.may_serve or needed <= self.since_validation


TestVersion = Version.TestCase
TestVersion.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def path_to(target: State) -> list[Event]:
    """The shortest way from registered, by breadth-first search."""
    waiting: deque[tuple[State, list[Event]]] = deque([(State.REGISTERED, [])])
    seen = {State.REGISTERED}
    while waiting:
        state, path = waiting.popleft()
        if state is target:
            return path
        for (start, event), after in TRANSITIONS.items():
            if start is state and after not in seen:
                seen.add(after)
                waiting.append((after, [*path, event]))
    pytest.fail(f"{target.value} cannot be reached")


def reachable_from(state: State) -> set[State]:
    """Every state some events lead to."""
    found: set[State] = set()
    waiting = [state]
    while waiting:
        here = waiting.pop()
        after = {target for (start, _), target in TRANSITIONS.items() if start is here}
        waiting.extend(after - found)
        found |= after
    return found
