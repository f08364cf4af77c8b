"""Putting versions in front of traffic and moving that traffic.

Lives here: deploying, publishing the signed configuration, stepping a rollout, taking in outcomes.
Does not: answering requests (`roadworthy.gateway`), deciding when to move (`roadworthy.rollout`).
To add a strategy: `rollout/strategies.py` first, then one branch in `deploy.py`.
"""
