"""The three gates: reading the playbook, running durably, concluding, signing, handing off.

Lives here: everything between `registered` and `activated`. Does not: the checks themselves (`roadworthy.checks`),
and how they are judged (`judging/`).
"""
