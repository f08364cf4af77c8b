"""Statistics every engine needs, and the column table they all work on (see docs/adr/0002).

Lives here: pure numeric functions from a paper, with that paper named, and `Frame`. Does not: verdicts,
thresholds, anything that decides. To add a statistic, copy `proportions.py` and give its test an oracle.
"""
