"""The world behind the ports of `domain/ports.py`: databases, disks, clocks.

Lives here: one folder per port, one file per technology, each with an in-memory one that ships and passes the
same conformance tests. Does not: any rule of the business (that is `services/`) or any judgement (engines).
To add a technology, copy `served/files.py` (the smallest), and add it to the port's suite in
`tests/conformance/`.
"""
