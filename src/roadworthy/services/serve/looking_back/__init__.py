"""One logged decision looked at again.

Lives here: `replay.py` (scored again and compared bit for bit) and `explanation.py` (why that score). Does not: finding
it and what came of it (`services/watch/trace.py`). To add a way of looking, copy `replay.py`.
"""
