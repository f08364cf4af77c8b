"""Standing protections: one file per detector of misuse, over windows of one client's rows, and the guards' rules.

Lives here: the profile made from what a version was validated on, detectors that hold a window against it, budgets.
Does not: telling clients apart, queues, refusing (`gateway/`), configuration (`services/`). To add a detector, copy
`novelty.py` and name it in `look.py`.
"""
