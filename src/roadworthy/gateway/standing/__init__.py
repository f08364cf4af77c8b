"""Standing protections of endpoints: what a signed deployment says must run against misuse.

Lives here: telling clients apart, budgets and the range guard on the path, detectors beside it on a bounded queue.
Does not: what misuse is (`monitoring/protection/`), what runs where (the deployment's signed terms).
"""
