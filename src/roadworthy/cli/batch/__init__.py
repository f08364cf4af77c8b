"""Scoring whole files through an endpoint.

Lives here: `score.py` (the command), `batches.py` (reading a file piece by piece), `parts.py` (answers kept until all
are there). Does not: single requests (`traffic/predict.py`). To read another kind of file, add it to `batches.py`.
"""
