"""Pickles: read only in a locked-down process of their own, and turned into skops, or refused with the reason.

Lives here: `conversion.py` (asks for it and compares scores), `jail.py` (the process) and `allow.py` (which names an
unpickler looks up in it). Does not: loading what came out, which is a skops file like any other. There is no runtime
for pickles, so nothing here is copied to add a format.
"""
