"""One page per file: `build(site, ask)` reads the house and answers a `Page` of blocks.

Lives here: what a page shows and in which words. Does not: HTML escaping (`markup.py`), verdict shapes
(`words.py`), pictures (`charts.py`), any rule. To add a page, copy `work.py` and name it in `pages.py`.
"""
