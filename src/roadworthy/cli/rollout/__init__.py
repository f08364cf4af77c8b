"""Commands about a rollout: putting versions in force, looking at them, promoting, pausing, turning back.

Lives here: one file per command, and `deployments.py`, a deployment as text. Does not: what an endpoint answers and
earns (`traffic/`). To add a command, copy `rollback.py` and name it in `../table.py`.
"""
