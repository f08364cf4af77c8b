"""How long it takes to verify a change record of 1,000 links with its signed checkpoints, and against which floor.

    python benchmarks/verification.py

Three records: a checkpoint every 100 links (as shipped), every 10, and on every single link, the worst there can be.
The floor, measured in the same run, is what no verifier can leave out: SHA-256 over the links' canonical bytes and
one bare signature check per checkpoint. A ratio travels between machines better than seconds: 1.0 would be a verifier
that costs nothing beyond the mathematics. Exit code 1 when a record takes longer than the second that is promised.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roadworthy.adapters.signing.memory import MemoryKeyring
from roadworthy.domain.trust import Change, Person, Role
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.evidence.chain import next_link
from roadworthy.evidence.checkpoints import open_checkpoints, verify_record
from roadworthy.evidence.envelope import seal
from roadworthy.evidence.statements import checkpoint_statement
from roadworthy.evidence.trust import TrustRoot

LINKS, PROMISED_S = 1_000, 1.0
START = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = {
    "run": "validation-churn:1-1",
    "verdict": "pass",
    "findings": {"pass": 20, "warn": 1},
    "evidence": "0" * 64,
}


def record() -> list[Change]:
    """`LINKS` links as a gate writes them."""
    links: list[Change] = []
    for n in range(LINKS):
        links.append(  # each link needs the one before it
            next_link(
                links[-1] if links else None,
                at=START + timedelta(seconds=n),
                actor="platform",
                action="validation-concluded",
                subject=f"churn:{n % 7}",
                why="",
                facts=FACTS,
            )
        )
    return links


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of three runs."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def floor(links: list[Change], signatures: int) -> Callable[[], None]:
    """Hash the links' canonical bytes, made beforehand, and check so many Ed25519 signatures."""
    plain = [canonical({k: v for k, v in to_json(link).items() if k != "digest"}) for link in links]
    key = Ed25519PrivateKey.generate()
    message = b"x" * 500
    signed, public = key.sign(message), key.public_key()

    def work() -> None:
        for data in plain:
            hashlib.sha256(data).hexdigest()
        for _ in range(signatures):
            public.verify(signed, message)

    return work


def main() -> int:
    """Print one line per record; 1 when one is too slow."""
    signer = MemoryKeyring().create("platform")
    trust = TrustRoot((Person("platform", (Role.PLATFORM,), signer.key_id, signer.public_key),))
    links, slow = record(), 0
    now = links[-1].at
    for every in (100, 10, 1):
        envelopes = [
            seal(checkpoint_statement(link, reason=f"every {every} links", now=link.at), signer)
            for link in links[every - 1 :: every]
        ]

        def verify(envelopes: list[str] = envelopes, every: int = every) -> None:
            verify_record(links, open_checkpoints(envelopes, trust, now=now), every=every)

        ours, bare = fastest(verify), fastest(floor(links, len(envelopes)))
        slow += ours > PROMISED_S
        print(
            f"{LINKS:,} links, {len(envelopes):>5,} signed checkpoints   {ours:.3f} s (promised: < {PROMISED_S:g} s)"
            f"   floor {bare:.4f} s   ratio {ours / bare:.1f}"
        )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
