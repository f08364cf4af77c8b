"""Artifacts and data sets: bytes named by their SHA-256, behind the `ArtifactStore` port.

Lives here: one file per place bytes can be kept, and folders: how they are read from disk (`reading.py`) and kept.
Does not: what the bytes mean, or whether they may be loaded (that is `adapters/runtimes/`). To add a place, copy
`memory.py`, use `naming.py` for digests, and add it to `tests/conformance/test_artifact_stores.py`.
"""
