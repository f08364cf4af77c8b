"""The checks engine: what a gate looks at, one file per check, in a folder named after its gate.

Lives here: `base.py` (what a check is), `material.py` (what a check may look at), `registry.py`, `runner.py`.
Does not: I/O, clocks, other engines' work (a service computes it and hands it in as material).
To add a check, copy `validation/technical/beats_baseline.py` and add one import line to that folder's `__init__`.
"""
