"""The bottom of the house: entities, verdicts, the life-cycle state machine, the error tree, the ports.

Lives here: frozen dataclasses and pure rules about them. Does not: anything that imports beyond the
standard library, any I/O, any clock. To add an entity, copy the style of `returns.py`; if it is stored, name
it in `ports.AGGREGATES`.
"""
