"""Step V2: is the model technically sound on data it has not seen?

Lives here: one file per check of V2 (baselines, leakage, slices, overfit, calibration), named after the check's id.
Does not: the formulas (`statistics/`), checks of other steps (one folder up), thresholds per risk tier (playbooks).
To add a check, copy `beats_baseline.py` and add its import line to `checks/validation/__init__.py`.
"""
