"""The edge: HTTP and the page.

Lives here: the API's resources and wire schemas (`api/`), the page (`ui/`), who is asking, one error -> HTTP table.
Does not: rules (services), formulas (engines). To add a resource, copy `api/people.py` and name it in `api/app.py`.
"""
