"""The control store: entities, evidence and the change record, behind the `Store` port.

Lives here: `memory.py`, `sql.py` (SQLite and PostgreSQL), and the migrations. Does not: a mapping per entity;
tables follow from `ports.AGGREGATES`, bodies from the dataclasses. To add an entity, add it to AGGREGATES and
copy `revisions/r0001_control_store.py` for the new table. To add a database, see `engines.py`.
"""
