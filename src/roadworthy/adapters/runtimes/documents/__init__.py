"""Models that are documents people write (YAML or JSON), not files a library saved.

Lives here: `reading.py` (which kind a document is, and its fields), and one `*_runtime.py` per kind. Does not: formats
that a training library writes. To add a kind, copy `rules_runtime.py` and name it in `KINDS`.
"""
