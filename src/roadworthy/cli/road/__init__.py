"""Commands that take a version from the workshop to `activated`, in the order of the life cycle.

Lives here: workspace, people, use case, contract, registering, the three gates, signatures.
Does not: anything about live traffic (`traffic/`). To add a command, copy `sign.py` and name it in `../table.py`.
"""
