"""What there is: people, use cases, KPI contracts, data sets, versions.

Lives here: registering and agreeing. Does not: judging (gates), serving, watching.
To add a catalog use case, copy `use_cases.py`.
"""
