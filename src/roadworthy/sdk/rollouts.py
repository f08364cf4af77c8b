"""The part of the Python face that puts versions in force and moves rollouts; `Road` has it with all the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from roadworthy.domain.serving import Deployment, RolloutLook
from roadworthy.sdk.listing import every
from roadworthy.sdk.transport import Connection
from roadworthy.services.serve.shadows import ShadowReport


class Rollouts(Connection):
    """Deploying, looking, promoting, pausing, turning back."""

    def deploy(
        self,
        version: str,
        endpoint: str,
        schedule: Sequence[float] = (),
        *,
        strategy: str = "",
        shares: Sequence[float] = (),
        beside: Sequence[str] = (),
    ) -> Deployment:
        """Put an activated version in force: at once when nothing serves, else as a canary, unless a strategy is named.

        `schedule`, `shares` and `beside` (further new versions) are for the strategies that take them.
        """
        given = {"strategy": strategy, "schedule": list(schedule), "shares": list(shares), "beside": list(beside)}
        body = {"version": version} | {name: value for name, value in given.items() if value}
        return self._post(f"/endpoints/{endpoint}/deployments", body, Deployment)

    def deployments(self, endpoint: str) -> list[dict[str, Any]]:
        """Deployments, newest first, each with its looks."""
        return every(self.ask, f"/endpoints/{endpoint}/deployments", dict[str, Any])

    def step(self, endpoint: str, **rule: Any) -> RolloutLook | None:
        """Look at the rollout under way; the keywords are the fields of `CanaryRule`."""
        found = self._post(f"/endpoints/{endpoint}/rollout/step", rule, dict[str, Any])["look"]
        return msgspec.convert(found, RolloutLook) if found else None

    def shadows(self, endpoint: str) -> list[ShadowReport]:
        """What every shadow of the deployment in force would have answered, beside what was answered."""
        return self._get(f"/endpoints/{endpoint}/shadows", list[ShadowReport])

    def roll_back(self, endpoint: str, reason: str) -> Deployment:
        """Take the new version's traffic away."""
        return self._post(f"/endpoints/{endpoint}/roll-back", {"reason": reason}, Deployment)

    def promote(self, endpoint: str, reason: str, arm: str = "") -> Deployment:
        """Make a challenger the champion; name its arm where there are several."""
        return self._post(f"/endpoints/{endpoint}/rollout/promote", {"reason": reason, "arm": arm}, Deployment)

    def pause(self, endpoint: str, reason: str) -> Deployment:
        """Stop a rollout where it is."""
        return self._post(f"/endpoints/{endpoint}/rollout/pause", {"reason": reason}, Deployment)

    def resume(self, endpoint: str, reason: str) -> Deployment:
        """Let a paused rollout go on."""
        return self._post(f"/endpoints/{endpoint}/rollout/resume", {"reason": reason}, Deployment)
