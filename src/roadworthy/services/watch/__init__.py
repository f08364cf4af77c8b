"""Keeping the licence: reviews, work items, the value ledger, tracing one decision, verifying the evidence.

Lives here: reading the logs, asking the monitoring and value engines, recording what they concluded.
Does not: detectors and formulas (engines). To add a watcher, copy `review.py`.
"""
