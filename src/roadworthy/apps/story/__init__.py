"""The bank campaign: one model's whole road, played by `roadworthy demo` and by the scenario tests.

Lives here: the data (real, or a simulated lender of the same shape), the training code, the acts, the traffic.
Does not: anything the platform itself needs; the story is a client like any other, over HTTP.
To add an act, copy one in `acts.py` and name it in `play.py`.
"""
