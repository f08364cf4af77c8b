"""Publishing: the signed document from which a gateway serves, with all the evidence it must see."""

from __future__ import annotations

from roadworthy.domain import faults
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.trust import Evidence
from roadworthy.evidence.served import Served, encode_served
from roadworthy.evidence.trust import TRUST, encode_trust
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import House
from roadworthy.services.licence.approval import keys_in, papers_of, validated
from roadworthy.services.serve.plan import current_deployment

AT_ONCE = 20
"""Documents published in one turn: writing one to disk takes some milliseconds, and other writers wait."""


def served_document(tx: Transaction, deployment: Deployment) -> Served:
    """The deployment with every envelope its arms need."""
    wanted = [deployment.statement]
    endpoint = tx.of(Endpoint).get(deployment.endpoint)
    # The hold-out is judged by the contract it was planned under, not by one agreed since.
    signed = contract_in_force(tx, endpoint.use_case, deployment.created_at)
    contract_id = ""
    if signed is not None:
        contract_id = signed[0].id
        wanted.append(signed[1].id)
    for arm in deployment.arms:
        if arm.version:
            wanted.extend(_passports(tx, arm.version))
            for member in arm.members:
                wanted.extend(_approvals(tx, member.version))
    envelopes = tuple(tx.of(Evidence).get(name).envelope for name in dict.fromkeys(wanted))
    return Served(deployment, endpoint.use_case, contract_id, envelopes)


def _passports(tx: Transaction, version: str) -> list[str]:
    found: list[str] = []
    for gate in Gate:
        passed = [
            r
            for r in tx.of(GateRun).find(version=version, gate=gate)
            if r.verdict is not None and r.verdict.lets_through and r.evidence
        ]
        if passed:
            found.append(passed[-1].evidence)
            if gate is Gate.VALIDATION:
                found.extend(papers_of(tx, passed[-1]))
    return found


def _approvals(tx: Transaction, version: str) -> list[str]:
    """The evidence a member of a composition needs: its validation, and who approved it."""
    run = validated(tx, version)
    return [run.evidence, *papers_of(tx, run)] if run else []


def publish(house: House, endpoint: str) -> None:
    """Put the stored deployment in force; doing it twice changes nothing.

    Inside the writers' turn, though it writes nothing to the store: of two that publish at once, neither may put an
    older document over a newer one.
    """
    with house.store.begin() as tx:
        document = _newer(house, tx, endpoint)
        faults.reach("deploy.before-publish")
        if document is not None:
            house.served.publish(endpoint, document)


def publish_all(house: House) -> None:
    """Publish whatever was committed and not yet in force: at start, and again and again while a server runs.

    Between a commit and its publishing any process may have died, another server's as well. What is old is made outside
    of the writers' turn; in it a document is made again only when something was recorded meanwhile.
    """
    with house.store.read() as tx:
        head = tx.changes.head()
        made = {e.id: _newer(house, tx, e.id) for e in tx.of(Endpoint).find()}
    old = [(name, document) for name, document in made.items() if document is not None]
    for start in range(0, len(old), AT_ONCE):
        with house.store.begin() as tx:
            same = tx.changes.head() == head
            for name, document in old[start : start + AT_ONCE]:
                now = document if same else _newer(house, tx, name)
                if now is not None:
                    faults.reach("deploy.before-publish")
                    house.served.publish(name, now)


def _newer(house: House, tx: Transaction, endpoint: str) -> bytes | None:
    """The document that ought to be in force on an endpoint; None when it is, or when nothing serves there."""
    deployment = current_deployment(tx, endpoint)
    if deployment is None:
        return None
    document = encode_served(served_document(tx, deployment))
    return document if house.served.read(endpoint) != document else None


def publish_trust(house: House) -> None:
    """Write the public keys and roles by which gateways judge every signature; doing it twice changes nothing."""
    with house.store.begin() as tx:  # as in `publish`: never an older document over a newer one
        document = encode_trust(keys_in(tx))
        faults.reach("trust.before-publish")
        if house.trust.read(TRUST) != document:
            house.trust.publish(TRUST, document)
