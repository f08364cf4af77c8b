"""Keeping a licence: what an approval allows, when it ends, who may sign for whom, and what follows when it ended.

Lives here: reading licences from signed evidence, delegations, suspension, reinstatement, retirement, expiry.
Does not: signing off (`services/gates/sign_off.py`), or enforcing a licence on traffic (`roadworthy.gateway`).
To add another way a licence ends: one branch in `expiry.py: why_ended`, with its test.
"""
