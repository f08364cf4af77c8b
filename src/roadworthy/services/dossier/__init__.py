"""The dossier: everything recorded about one version, proven, told for people and machines, signed as one package.

Lives here: reading the record (`record.py`), proving it (`proof.py`), telling it (`chapters/`, `telling.py`), mapping
it to clauses of frameworks (`clauses.py`, with its data files), and issuing it (`issue.py`). Does not: HTML, PDF or
CycloneDX (`adapters/reports`). To add a chapter, copy `chapters/value.py` and name it in `telling.py`.
"""
