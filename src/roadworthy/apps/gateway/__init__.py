"""The gateway as processes of its own, living without the control plane.

Lives here: `serving.py` (from the command to the processes), `__main__.py` (the process that watches the workers, kept
small), `worker.py` (what each worker runs). Does not: the gateway itself (`roadworthy/gateway`), and what it is built
from (`apps/data_plane.py`).
"""
