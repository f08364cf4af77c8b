"""Models served elsewhere, watched through agents that report.

Lives here: `registry.py` (which agent watches which version where), `reports.py` (what they report goes into the
decision log), `silence.py` (who has not been heard of, and the work that makes). Does not: the agent's own side
(`roadworthy.agent`); what a review concludes from the decisions.
"""
