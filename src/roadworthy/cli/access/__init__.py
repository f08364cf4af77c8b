"""Commands about who is asking: tokens.

Lives here: one file per command, each printing what the API answered. Does not: rules or secrets kept anywhere. To
add a command, copy `token.py` and name it in `cli/table.py`.
"""
