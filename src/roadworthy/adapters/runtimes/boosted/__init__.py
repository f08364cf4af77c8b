"""Boosted trees in the two libraries' own formats, checked as data before the library reads them.

Both libraries follow indices in a file without checking them, so a crafted file could make them read foreign memory.
Lives here: one `*_file.py` per format (its bytes as checked values, and written again from those values alone, so that
the library never parses what a stranger wrote), one `*_runtime.py` per format, and what they share: `ubjson.py`,
`links.py` (children of nodes), `encoding.py` (columns as one matrix). Does not: training. To add a library, copy both
LightGBM files.
"""
