"""Putting versions in front of traffic and moving that traffic.

Lives here: deploying, publishing the signed configuration, stepping a rollout, taking in outcomes.
Does not: answering requests (`roadworthy.gateway`), deciding when to move (`roadworthy.rollout`).
To add a strategy, add its recipe in `rollout/strategies`: nothing here changes.
"""
