"""Commands about keeping a licence: how an approval stands, renewing and ending it, delegations, the access policy.

Lives here: one file per command. Does not: signing a validation (`road/sign.py`), or deciding anything.
To add a command, copy `expire.py`, add a line to `cli/table.py`.
"""
