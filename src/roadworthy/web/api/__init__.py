"""The control plane's HTTP API, version 1.

Lives here: one file per resource, each a router over a service; `app.py` joins them, `entry` is what every request
passes first. Does not: rules. To add a resource, copy `people.py` and name it in `app.py`.
"""
