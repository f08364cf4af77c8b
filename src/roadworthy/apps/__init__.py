"""Composition roots: the only places that know every part.

Lives here: settings, building the `House`, the perimeter, and the processes that run (control, gateway).
Does not: any rule. To add a process, copy `gateway.py`; a part is chosen in `building.py` and nowhere else.
"""
