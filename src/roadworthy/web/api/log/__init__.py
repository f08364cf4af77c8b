"""Resources of the decision log itself.

Lives here: `keeping.py` (rules, upkeep, erasure). Does not: what is read from the log (`records.py`) or reported
about it (`endpoints.py`). To add one, copy `keeping.py` and name it in `app.py`.
"""
