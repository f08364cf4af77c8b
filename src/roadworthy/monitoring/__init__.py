"""What changed in production: data, scores, performance, business, and one conclusion from all of it.

Lives here: profiles over a reference's bins and one detector per question, each turning numbers into `Signal`s.
Does not: reading logs (`services/`), gate steps (`checks/`), money (`value/`). Detectors have no memory: a signal
goes when its cause goes. To add a detector, copy `business_drift.py` and name it in `window.py`.
"""
