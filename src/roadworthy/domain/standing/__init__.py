"""What stands guard at an endpoint for as long as it serves.

Lives here: which protections a deployment signs, with their limits (`protection.py`). Does not: how they are kept to
(`gateway/standing`), how misuse is told (`monitoring/protection`). To add one, give `protection.py` its limits first.
"""
