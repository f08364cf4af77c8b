"""The identity provider of an installation, from its settings; its secret comes from a file or the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from roadworthy.adapters.access.oidc import OidcProvider
from roadworthy.apps.settings import Settings
from roadworthy.domain.errors import SettingError
from roadworthy.domain.ports import Clock, IdentityProvider

SECRET = "ROADWORTHY_OIDC_CLIENT_SECRET"  # noqa: S105 - a name
"""The environment variable that may hold the client's secret; it is no setting, so that no settings file has it."""


def identity_provider(
    settings: Settings, clock: Clock, environment: Mapping[str, str] | None = None
) -> IdentityProvider | None:
    """The provider that is set, or None.

    Raises:
        SettingError: an issuer without a client, a secret file that cannot be read, an issuer that is no address.
        MissingExtraError: Authlib is not installed.
    """
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client_id:
        raise SettingError(
            "oidc_issuer is set and oidc_client_id is not",
            remedy="Set the id by which the provider knows this installation.",
            key="oidc_client_id",
        )
    secret = _secret(settings, environment)
    return OidcProvider(
        settings.oidc_issuer, settings.oidc_client_id, secret, clock, groups_claim=settings.oidc_groups_claim
    )


def _secret(settings: Settings, environment: Mapping[str, str] | None) -> str:
    given = (os.environ if environment is None else environment).get(SECRET, "")
    if given or not settings.oidc_secret_file:
        return given.strip()
    try:
        return (settings.root / settings.oidc_secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(
            f"oidc_secret_file cannot be read: {type(problem).__name__}",
            remedy="Name a file that this user can read, and nobody else.",
            key="oidc_secret_file",
        ) from problem
