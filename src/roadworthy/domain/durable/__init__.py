"""The ports of work that outlives a process: durable steps, and benches on which checks are judged.

Lives here: `work.py` (what a work engine promises) and `bench.py` (what a check bench promises), beside the other
ports in `../ports.py`. Does not: the engines and benches themselves (`adapters/engines`, `adapters/benches`).
"""
