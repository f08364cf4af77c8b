"""The short way of the request everybody sends, and the stand-alone gateway's own door.

Lives here: `way.py` (reads a plain one-row request and answers many together), `line.py` (what one arm adds), `rsgi.py`
(the application as Granian's own interface takes it). Does not: anything the long way (`plane.py`) would not do alike.
"""
