"""The decision and outcome log: what was decided, durable before the caller is answered.

Lives here: `segments.py` (append-only files), `memory.py` (tests, simulations), and the parts of the former:
`frames.py` (bytes on disk), `records.py` (entity <-> bytes <-> Parquet), `segment.py` (one open file),
`sealing.py` (open file -> Parquet), `reading.py` (lock-free reads). Does not: joins of decisions with outcomes,
profiles, anything that computes. To add a log on other storage, copy `memory.py`; it must pass
`tests/conformance/test_decision_log.py`.
"""
