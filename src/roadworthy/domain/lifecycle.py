"""The life cycle of a model version: which states there are, and which event leads where.

The table is the whole truth: an event that is not in it is refused, whoever asks. A gate that could not
conclude gives nothing: the version falls back to where it stood. `candidate` and `activated` are labels that
only the effect of a passed gate can set.
"""

from __future__ import annotations

from enum import Enum

from roadworthy.domain.errors import IllegalTransitionError


class State(Enum):
    """Where a version stands."""

    REGISTERED = "registered"
    VALIDATING = "validating"
    AWAITING_SIGN_OFF = "awaiting-sign-off"
    VALIDATED = "validated"
    RELEASING = "releasing"
    CANDIDATE = "candidate"
    ACTIVATING = "activating"
    ACTIVATED = "activated"
    SUSPENDED = "suspended"
    RETURNED = "returned"
    RETIRED = "retired"

    @property
    def may_serve(self) -> bool:
        """Whether the gateway may load a version in this state for real traffic."""
        return self is State.ACTIVATED


class Event(Enum):
    """What can happen to a version."""

    START_VALIDATION = "start-validation"
    VALIDATION_PASSED = "validation-passed"
    VALIDATION_FAILED = "validation-failed"
    VALIDATION_BLOCKED = "validation-blocked"
    SIGN_OFF = "sign-off"
    REJECT = "reject"
    START_RELEASE = "start-release"
    RELEASE_PASSED = "release-passed"
    RELEASE_FAILED = "release-failed"
    RELEASE_BLOCKED = "release-blocked"
    START_ACTIVATION = "start-activation"
    ACTIVATION_PASSED = "activation-passed"
    ACTIVATION_FAILED = "activation-failed"
    ACTIVATION_BLOCKED = "activation-blocked"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    RECALL = "recall"
    RE_ENTER = "re-enter"
    RETIRE = "retire"


_S, _E = State, Event

TRANSITIONS: dict[tuple[State, Event], State] = {
    (_S.REGISTERED, _E.START_VALIDATION): _S.VALIDATING,
    (_S.VALIDATING, _E.VALIDATION_PASSED): _S.AWAITING_SIGN_OFF,
    (_S.VALIDATING, _E.VALIDATION_FAILED): _S.RETURNED,
    (_S.VALIDATING, _E.VALIDATION_BLOCKED): _S.REGISTERED,
    (_S.AWAITING_SIGN_OFF, _E.SIGN_OFF): _S.VALIDATED,
    (_S.AWAITING_SIGN_OFF, _E.REJECT): _S.RETURNED,
    (_S.AWAITING_SIGN_OFF, _E.START_VALIDATION): _S.VALIDATING,
    (_S.VALIDATED, _E.START_RELEASE): _S.RELEASING,
    (_S.VALIDATED, _E.START_VALIDATION): _S.VALIDATING,
    (_S.RELEASING, _E.RELEASE_PASSED): _S.CANDIDATE,
    (_S.RELEASING, _E.RELEASE_FAILED): _S.RETURNED,
    (_S.RELEASING, _E.RELEASE_BLOCKED): _S.VALIDATED,
    (_S.CANDIDATE, _E.START_ACTIVATION): _S.ACTIVATING,
    (_S.CANDIDATE, _E.START_VALIDATION): _S.VALIDATING,
    (_S.ACTIVATING, _E.ACTIVATION_PASSED): _S.ACTIVATED,
    (_S.ACTIVATING, _E.ACTIVATION_FAILED): _S.RETURNED,
    (_S.ACTIVATING, _E.ACTIVATION_BLOCKED): _S.CANDIDATE,
    (_S.ACTIVATED, _E.SUSPEND): _S.SUSPENDED,
    (_S.SUSPENDED, _E.REINSTATE): _S.ACTIVATED,
    (_S.SUSPENDED, _E.START_VALIDATION): _S.VALIDATING,
    (_S.ACTIVATED, _E.RECALL): _S.RETURNED,
    (_S.SUSPENDED, _E.RECALL): _S.RETURNED,
    (_S.RETURNED, _E.RE_ENTER): _S.REGISTERED,
    **{
        (state, _E.RETIRE): _S.RETIRED
        for state in (
            _S.REGISTERED,
            _S.AWAITING_SIGN_OFF,
            _S.VALIDATED,
            _S.CANDIDATE,
            _S.ACTIVATED,
            _S.SUSPENDED,
            _S.RETURNED,
        )
    },
}


def allowed_events(state: State) -> tuple[Event, ...]:
    """The events that lead on from `state`, in the order of the table."""
    return tuple(event for (start, event) in TRANSITIONS if start is state)


def advance(state: State, event: Event, *, subject: str = "the version") -> State:
    """The state after `event`.

    Raises:
        IllegalTransitionError: the table has no such step; names the events that are allowed.
    """
    target = TRANSITIONS.get((state, event))
    if target is None:
        allowed = ", ".join(e.value for e in allowed_events(state)) or "none (this state is final)"
        raise IllegalTransitionError(
            f"{subject} is {state.value}: '{event.value}' is not possible from there",
            remedy=f"Possible now: {allowed}.",
            state=state.value,
            event=event.value,
        )
    return target
