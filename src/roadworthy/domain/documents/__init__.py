"""Documents as values: what a report says, before anybody decides how it looks.

Lives here: sections, tables and plots as plain data (`document.py`), what a bill of materials lists
(`inventory.py`), and the port that prints both (`printing.py`). Does not: HTML, PDF or any layout
(`adapters/reports`), or what a document says (`services/dossier`).
To add a kind of block, copy `Bars` and draw it in every file of `adapters/reports`.
"""
