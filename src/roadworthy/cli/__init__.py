"""The command line: an HTTP client of the platform, and the starter of its processes.

Lives here: one file per command in `road/`, `traffic/`, `records/` and `processes/`; what they share stands beside
this file. Does not: rules. A command sends what it was given and prints what came back.
To add a command: copy `records/work.py` and add its line to `table.py`.
"""
