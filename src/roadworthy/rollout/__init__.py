"""Moving traffic to a new version, by evidence: who gets which share, and when to go on, wait or turn back.

Lives here: the canary decision, its failure and assignment tests, the strategies (a folder) and their moves: pure
functions of counts and `now`. Does not: formulas without a decision (`statistics`), the schedule that looks every
minute and the stored state (`services`). To add a strategy, copy a file of `strategies`; a stopping rule: `canary.py`.
"""
