"""One use case per file: what a person or an application can ask of the platform.

Lives here: load, ask an engine, store the result with its evidence and change record, in one transaction.
Does not: formulas (engines), the world (adapters behind `domain.ports`), HTTP or printing.
To add a use case, copy `gates/hand_off.py`: authorise, check, change, record.
"""
