"""The page: what a browser shows of one workspace, read-only.

Lives here: the door (token, cookie, headers), the thread the pages live in, the layout, markup, words and charts.
Does not: rules and formulas (services, engines), changes of any kind (the API and the command line make those).
To add a page, copy `views/work.py` and name it in `pages.py`.
"""
