"""Detectors that read one number at a time and say when its level changed.

Lives here: small classes with `update(x)` and a flag, for streams too long to keep. Does not: windows (see the
files above this folder). To add one, copy `page_hinkley.py` and give its test a published stream.
"""
