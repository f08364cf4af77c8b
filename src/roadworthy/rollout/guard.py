"""Looking at a challenger whose share is fixed: it may be turned back by evidence, never moved on by it.

The canary's test decides (`look`), with one stage that has no deadline. What would advance or promote a canary only
holds here: the proof of safety is recorded, and a person decides what follows from it. Where several challengers are
looked at, each gets its part of the error probability, so a false rollback of any of them stays below `alpha`.
"""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import SettingError
from roadworthy.rollout.canary import Action, CanaryDecision, CanaryRule, CanaryView, look

NO_DEADLINE_H = 24.0 * 365
"""A test with fixed shares lasts as long as a person lets it; the rule's longest deadline."""


def guard(view: CanaryView, rule: CanaryRule, of: int = 1) -> CanaryDecision:
    """Decide about one of `of` challengers (1 or more) from one view of it and the champion.

    Raises:
        SettingError: `of` is not positive.
        DataError: a view that cannot be, as `look` raises it.
    """
    if of < 1:
        raise SettingError(f"{of} challengers cannot be looked at", remedy="Give 1 or more.", field="of")
    own = replace(rule, alpha=rule.alpha / of, srm_alpha=rule.srm_alpha / of, deadline_h=NO_DEADLINE_H)
    found = look(view, own)
    if found.action not in (Action.ADVANCE, Action.PROMOTE):
        return found
    why = found.sentence.partition(": ")[2].rstrip(".")
    said = f"Hold at share {found.share:g}: {why}; a person decides whether to promote it."
    return replace(found, action=Action.HOLD, sentence=said)
