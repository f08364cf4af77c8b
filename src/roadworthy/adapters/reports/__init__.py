"""Printers of documents, behind the port `Reports` (`domain/documents/printing.py`).

Lives here: HTML (`html.py`), PDF by typst (`typeset.py`), plots as SVG for both (`drawing.py`), CycloneDX
(`cyclonedx.py`), and the one object that has them all (`printed.py`). Does not: what a document says.
To add a format, copy `typeset.py` and name it in `printed.py`.
"""
