"""Commands that only read: status, work items, traces, the change record, bundles and their verification.

Lives here: one file per command. Does not: anything that changes a record.
To add a command, copy `work.py` and name it in `../table.py`.
"""
