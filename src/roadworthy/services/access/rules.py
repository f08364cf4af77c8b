"""How long tokens and sessions live, and how much one may ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The installation's rules of access, from its settings.

    Attributes:
        local_acting: whether the workspace's own token may act as any person, not only as the administrator.
        token_max_days: longest life of a person's token.
        session_idle_min: minutes without a request after which a browser's session ends.
        session_max_h: hours after which it ends in any case.
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
    oidc_by_email: bool = False
    requests_per_minute: int = 6000
    failures_per_minute: int = 20
    max_body_mb: int = 16
    max_upload_mb: int = 1024
