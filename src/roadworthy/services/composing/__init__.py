"""Compositions: approved versions become one version, and stay approved for as long as it serves.

Lives here: `compose.py` (a document to a registered version) and `members.py` (who may be a member, now).
Does not: how members answer together, which is a runtime. To add a use case, copy `compose.py`.
"""
