"""Commands about what serves: endpoints, rollouts, predictions, outcomes, reviews, value.

Lives here: one file per command. Does not: gates (`road/`), reading records (`records/`).
To add a command, copy `rollback.py` and name it in `../table.py`.
"""
