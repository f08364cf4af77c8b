"""One file per revision of the control store, oldest first.

Lives here: what each revision changed, written out and frozen. Does not: anything read from the entities of
today, which would change the past. For one more, copy the newest file and set `down_revision` to its revision.
"""
