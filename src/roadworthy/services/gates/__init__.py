"""The three gates: reading the playbook, gathering the material, running durably, signing, handing off.

Lives here: everything between `registered` and `activated`. Does not: the checks themselves (`roadworthy.checks`).
To add something a check may look at: a field in `checks/material.py`, filled in `gather.py`.
"""
