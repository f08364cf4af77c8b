"""How traffic moves to a new version: one strategy per file, as data.

Lives here: `recipe.py` (what a strategy is), `arms.py` (weights), one file per strategy, `registry.py` (all of them).
Does not: the moves every strategy shares (`rollout/moves.py`), evidence for moving on (`rollout/canary.py`), stored
state (`services/serve`). To add one, copy `champion_challenger.py` and add one line to `registry.py`.
"""
