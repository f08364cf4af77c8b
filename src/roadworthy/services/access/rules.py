"""How long tokens and sessions live, and how much one may ask."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import Role


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The installation's rules of access, from its settings.

    Attributes:
        local_acting: whether the workspace's own token may act as any person, not only as the administrator.
        token_max_days: longest life of a person's token.
        session_idle_min: minutes without a request after which a browser's session ends.
        session_max_h: hours after which it ends in any case.
        oidc_roles: which groups of the identity provider lend which roles, `GROUP=ROLE, GROUP=ROLE`; see `lent_roles`.
        oidc_by_email: whether a verified e-mail address that is a person's name logs in as that person.
        requests_per_minute: requests to the API per person.
        failures_per_minute: wrong tokens and failed logins per address.
        max_body_mb: largest request to the API, in 10^6 bytes.
        max_upload_mb: the same for requests that carry a file.
    """

    local_acting: bool = True
    token_max_days: int = 90
    session_idle_min: int = 60
    session_max_h: int = 12
    oidc_roles: str = ""
    oidc_by_email: bool = False
    requests_per_minute: int = 6000
    failures_per_minute: int = 20
    max_body_mb: int = 16
    max_upload_mb: int = 1024


def lent_roles(text: str) -> dict[str, frozenset[Role]]:
    """Roles by group, from the rule `oidc_roles`. A group lends what is written and nothing else.

    Raises:
        SettingError: not pairs GROUP=ROLE, an unknown role, or the platform's own; names the pair.

    Example:
        >>> sorted(r.value for r in lent_roles("risk=validator, risk=auditor")["risk"])
        ['auditor', 'validator']
    """
    allowed = [r.value for r in Role if r is not Role.PLATFORM]
    found: dict[str, frozenset[Role]] = {}
    for pair in (part.strip() for part in text.split(",") if part.strip()):
        group, equals, role = (part.strip() for part in pair.rpartition("="))
        if not group or not equals or role not in allowed:
            raise SettingError(
                f"setting 'oidc_roles' has '{pair[:120]}'",
                remedy=f"Write GROUP=ROLE, GROUP=ROLE; roles: {', '.join(allowed)}.",
                key="oidc_roles",
            )
        found[group] = found.get(group, frozenset()) | {Role(role)}
    return found
