"""Commands that run until they are stopped, or play a whole story: `up`, `gateway`, `demo`.

Lives here: starting, announcing and ending processes cleanly. Does not: what they serve (`roadworthy.apps`).
To add a command, copy `gateway.py` and name it in `../table.py`.
"""
