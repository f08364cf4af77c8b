"""Engines for durable work: named functions whose recorded steps are not repeated after a crash.

Lives here: `dbos_engine.py` (SQLite or PostgreSQL), `inline.py` (in memory, for tests and simulations), and
`failures.py` (errors as JSON and back). Does not: what the work is; services register that. To add an engine, copy
`inline.py`; it must pass `tests/conformance/test_work_engine.py`.
"""
