"""What each endpoint serves now: one signed document per endpoint, behind the `ServedConfigurations` port.

Lives here: where the documents lie and how a change of one is noticed. Does not: their content, or whether
their signature holds (`evidence/served.py`). To add a place, copy `files.py` and add it to
`tests/conformance/test_served_configurations.py`.
"""
