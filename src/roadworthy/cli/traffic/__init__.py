"""Commands about what serves: endpoints, predictions, outcomes, reviews, value.

Lives here: one file per command. Does not: gates (`road/`), rollouts (`rollout/`), reading records (`records/`).
To add a command, copy `ledger.py` and name it in `../table.py`.
"""
