"""Publishing: the signed document from which a gateway serves, with all the evidence it must see."""

from __future__ import annotations

from roadworthy.domain import faults
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.trust import Evidence, Person
from roadworthy.evidence.served import Served, encode_served
from roadworthy.evidence.trust import TRUST, TrustRoot, encode_trust
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.house import House
from roadworthy.services.licence.approval import papers_of
from roadworthy.services.serve.plan import current_deployment


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


def publish(house: House, endpoint: str) -> None:
    """Put the stored deployment in force; doing it twice changes nothing.

    Inside the writers' turn, though it writes nothing to the store: of two that publish at once, neither may put an
    older document over a newer one.
    """
    with house.store.begin() as tx:
        deployment = current_deployment(tx, endpoint)
        if deployment is None:
            return
        document = encode_served(served_document(tx, deployment))
        faults.reach("deploy.before-publish")
        if house.served.read(endpoint) != document:
            house.served.publish(endpoint, document)


def publish_all(house: House) -> None:
    """Publish whatever was committed and not yet in force: at start, and again and again while a server runs.

    Between a commit and its publishing any process may have died, another server's as well.
    """
    with house.store.read() as tx:
        names = [e.id for e in tx.of(Endpoint).find() if _is_old(house, tx, e.id)]
    for name in names:
        publish(house, name)


def _is_old(house: House, tx: Transaction, endpoint: str) -> bool:
    deployment = current_deployment(tx, endpoint)
    return deployment is not None and house.served.read(endpoint) != encode_served(served_document(tx, deployment))


def publish_trust(house: House) -> None:
    """Write the public keys and roles by which gateways judge every signature; doing it twice changes nothing."""
    with house.store.begin() as tx:  # as in `publish`: never an older document over a newer one
        document = encode_trust(TrustRoot(people=tuple(tx.of(Person).find())))
        faults.reach("trust.before-publish")
        if house.trust.read(TRUST) != document:
            house.trust.publish(TRUST, document)
