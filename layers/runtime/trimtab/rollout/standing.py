"""A champion whose endpoint is gone stands again before anything takes its place.

An endpoint may be asleep, or somebody may have deleted it, while the ledger names a champion. A rollout that took it
for the first one would give the new version all traffic, unjudged; so the champion is put back first, and the rollout
begins from there. A champion whose approval was withdrawn is not brought back: nobody wants it to serve.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.errors import EndpointNotReady, PlanError
from trimtab.ledger.kinds import ENDPOINT_WOKEN
from trimtab.ledger.lookup import decided
from trimtab.names import ModelNames
from trimtab.ports import Endpoints, Ledger, ModelRegistry
from trimtab.rollout.approval import is_approved

ACTOR = "plan_rollout"


def standing_champion(ledger: Ledger, registry: ModelRegistry) -> dict[str, Any] | None:
    """The champion as the ledger names it; None before the first version, and when its approval was withdrawn."""
    champion = ledger.state("champion")
    if not champion or not is_approved(registry.describe(str(champion["package_arn"]))):
        return None
    return dict(champion)


@dataclass(frozen=True)
class Standing:
    """Production's endpoint, which does not exist when the promotion is planned."""

    promotion: str
    at: datetime
    names: ModelNames
    ledger: Ledger
    endpoints: Endpoints
    registry: ModelRegistry

    def restore(self) -> None:
        """Returns when there is no champion to bring back.

        Raises EndpointNotReady once the champion's endpoint is on its way, and PlanError when SageMaker has lost the
        model or the config that it needs.
        """
        champion = standing_champion(self.ledger, self.registry)
        if champion is None:
            return
        version, config = int(champion["version"]), str(champion["config"])
        self._ensure_kept(version, config)
        self._note(version, config)
        self.endpoints.create(self.names.endpoint, config)
        raise EndpointNotReady(f"{self.names.endpoint} did not exist and is made again on {config}, the champion's")

    def _ensure_kept(self, version: int, config: str) -> None:
        kept = {"model": self.endpoints.model(config), "endpoint config": self.endpoints.config(config)}
        if gone := [what for what, found in kept.items() if found is None]:
            raise PlanError(
                f"{self.names.endpoint} does not exist although version {version} is the champion, and the "
                f"{' and '.join(gone)} {config} is gone: make it serve again with trimtab rollback {self.names.model} "
                f"--to {version} --reason TEXT, then approve the new version again"
            )

    def _note(self, version: int, config: str) -> None:
        """Written before the request, and once."""
        if decided(self.ledger, ENDPOINT_WOKEN, self.promotion) is not None:
            return
        summary = f"{self.names.endpoint} did not exist: made again with champion version {version} before the rollout"
        data = {"endpoint": self.names.endpoint, "config": config, "summary": summary}
        self.ledger.append(ENDPOINT_WOKEN, self.promotion, data, self.at, ACTOR)
