"""Running a user's training entry point in a process of its own.

Lives here: `runner.py` (starts the child, bounds it, reads its artifact), `child.py` (what runs inside)
and `confine.py` (what it gives up before it runs anybody's code).
Does not: judging the result; a check compares it. To run training elsewhere, copy `runner.py`.
"""
