"""Handing in data and models: splitting a file, trying everything here first, registering it in one go.

Lives here: what stands behind `roadworthy register`. Does not: the command itself (`../road/register.py`), rules
(`roadworthy.services.catalog`, whose functions are used to try things before anything is recorded).
"""
