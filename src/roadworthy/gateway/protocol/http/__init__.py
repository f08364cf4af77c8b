"""Bodies on their way in over HTTP: unpacked within a limit, and waited for no longer than one.

Lives here: `inflate.py` (compressed bodies) and `patience.py` (slow ones). Does not: what a body says (`codec.py`), or
statuses and replies (`edge.py`).
"""
