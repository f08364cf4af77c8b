"""How far two tables of counts are apart: one measure per file.

Lives here: pure functions of two arrays of counts over the same bins (KS also takes raw values). Does not:
verdicts, thresholds (see `data_drift.py`). To add a measure, copy `psi.py` and give its test an oracle.
"""
