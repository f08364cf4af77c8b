"""Commands that keep the decision log: its rules, its upkeep, erasure.

Lives here: one file per command. Does not: what goes into the log (`traffic/`) or is read from it (`records/`). To add
one, copy `compact.py` and name it in `table.py`.
"""
