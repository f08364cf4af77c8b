"""The evidence engine: canonical bytes, digests, signed statements, the hash chain, and what they prove.

Lives here: pure functions from entities, envelopes and public keys to statements, links and refusals. Does not:
private keys (`adapters/signing`), files, clocks, or the decision who may act (`adapters/access`).
To add a kind of evidence: name it in `domain/trust.py`, copy a builder in `statements.py`, say in `licence.py` who
may sign it.
"""
