"""What the standing protections did and saw, written by gateways and read by reviews.

Lives here: one adapter of the port `ProtectionLog` per place. To add one, copy `memory.py`.
"""
