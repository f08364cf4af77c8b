"""Judging the checks of a gate run: what is read, what is made of it, what need not be measured again.

Lives here: `gather.py` (records, in the server), `assembly.py` (frames, models, trials, where checks are judged),
`reuse.py` (which finding of an earlier run still holds), `looking.py` (whether sealed rows are looked at) and `desk.py`
(one run's checks on their way to findings).
Does not: the checks (`roadworthy.checks`), the run's begin and end (`..run`, `..conclude`). To add something a check
may look at: a field in `checks/material.py`, filled in `gather.py` or, when it is dear, made in `assembly.py`.
"""
