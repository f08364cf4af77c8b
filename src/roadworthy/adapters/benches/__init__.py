"""Benches: where a gate's checks are judged.

Lives here: `inside.py` (in the caller's process, one after another, no limits), `pool.py` (in processes of its own,
several at once, each check within its limits), what runs in such a process (`worker.py`, `bounds.py`), and
`apart.py`, one call in a process of its own. Does not: how a check is judged
(`services/gates/judging/assembly.py`). To add a bench, copy `inside.py`; it must pass
`tests/conformance/test_check_benches.py`.
"""
