"""Keeping the log: compacting it, and forgetting parts of it, while other processes write and read.

Lives here: `turn.py` (one keeper at a time; what dead writers left), `table.py` (the Delta table of one stream),
`compact.py` (sealed segments into it), `forget.py` (rows taken out of open segments, sealed ones and the table). Does
not: deciding what is to be forgotten, and when. To add another kind of upkeep, copy `compact.py`.
"""
