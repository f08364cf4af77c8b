"""Keeping and listing: folders as artifacts, the control store's port, questions to it, and cards that lists show.

Lives here: `store.py` (what a store promises; `ports.py` hands the names on), `query.py` (filters, order, pages),
`card.py` (one version as lists show it), `folder.py` (an artifact of several files), `keys.py` (the ports of private
keys). Does not: how any of it is kept
(`adapters/storage`). To make another kind listable, give its line in `ports.AGGREGATES` what `Aggregate` names, and a
migration.
"""
