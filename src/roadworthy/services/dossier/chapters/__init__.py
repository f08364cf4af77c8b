"""The dossier's chapters: what each says of a proven record, as sections.

Lives here: one file per chapter, each a pure function `chapter(record, proof) -> Section`. Does not: reading the store
or drawing. To add one, copy `value.py` and name it in `../telling.py`.
"""
