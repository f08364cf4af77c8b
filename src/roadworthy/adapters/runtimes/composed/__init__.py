"""Compositions: several versions loaded and asked as one.

Lives here: `reading.py` (the document, and whether every member is admitted), `combining.py` (how scores of members
become one) and `composed_runtime.py` (loading, rules around the members, what stands in when they fail).
Does not: choosing versions and storing them as one artifact (`services/catalog/compose.py`). To add a way of putting
scores together, add a function to `combining.py`.
"""
