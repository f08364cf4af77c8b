"""What callers send and get: the Open Inference Protocol over HTTP, its binary tensors, and MLflow's bodies.

Lives here: `codec.py` (bodies), `binary.py` (tensors as bytes), `mlflow.py` (`/invocations`), `whose.py` (the ids of
rows), `columns.py` (values to typed columns), `edge.py` (HTTP at its lowest), `inflate.py` (compressed bodies),
`openapi.py` (what the gateway says about itself to machines). Does not: routing, scoring, recording.
To take one more kind of body, copy `mlflow.py`: it ends in `Rows`, as they all do.
"""
