"""Who is asking: tokens, browser sessions, logins by an identity provider.

Lives here: making and ending them, and telling from a secret who presents it (`gatekeeper.py`). Does not: what a
person may do (the policy), or how a secret travels (the web). To add a means, copy `sessions.py` and give the
gatekeeper a method for it.
"""
