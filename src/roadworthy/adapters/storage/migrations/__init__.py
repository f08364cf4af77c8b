"""Alembic's scripts for the control store.

Lives here: `env.py` (how a migration runs), the template of new ones, and `../revisions/` has one file per revision.
Does not: the present shape, which `tables.py` derives; a test compares the two. For one more revision, copy the
newest file in `../revisions/`, and never change one that was released.
"""
