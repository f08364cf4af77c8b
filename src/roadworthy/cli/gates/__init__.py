"""What the three gate commands share: following a run, showing its findings, saying what comes next.

Lives here: polling, tables, hints. Does not: judging (`roadworthy.checks`), the commands (`../road/`).
To show findings differently, change `findings.py`; to change the hints, `next_steps.py`.
"""
