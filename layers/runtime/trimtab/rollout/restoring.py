"""Production is made to serve a version again: looked at and acted upon until it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trimtab.contracts import Promotion, Rollback
from trimtab.errors import EndpointFailed, EndpointNotReady, RolloutInProgress, SignatureMismatch
from trimtab.ledger.kinds import ROLLBACK_MADE_AGAIN, ROLLBACK_MOVED
from trimtab.names import ModelNames
from trimtab.ports import Alarms, Endpoints, EndpointState, Ledger, ModelRegistry, ObjectStore
from trimtab.rollout.outcome import is_settled
from trimtab.rollout.rollback import ensure_held, send_back
from trimtab.rollout.seals import sha256_of

ACTOR = "restore_version"
_TRIES = 3
"""Updates after which SageMaker is believed that it cannot serve the version."""


@dataclass(frozen=True)
class Keeping:
    """What SageMaker still has of a version, and what the ledger says of making the rest again."""

    endpoints: Endpoints
    objects: ObjectStore
    registry: ModelRegistry
    ledger: Ledger

    def missing(self, config: str) -> list[str]:
        """Which of model and config are gone; both have the config's name."""
        found = {"model": self.endpoints.model(config), "endpoint config": self.endpoints.config(config)}
        return [what for what, described in found.items() if described is None]

    def record(self, rollback: Rollback, missing: Sequence[str]) -> Promotion:
        """How the version was promoted, with an artifact that is still the registered one.

        Raises EndpointFailed when nothing says it, SignatureMismatch when the artifact is gone or another.
        """
        promotion, version = rollback.promotion, rollback.to_version
        if promotion is None:
            raise EndpointFailed(
                f"the {' and '.join(missing)} {rollback.config} of version {version} is gone and no record says how it "
                f"was made: go back to another version with --to"
            )
        registered = self.registry.describe(promotion.package_arn).properties.get("artifact_sha256")
        if registered is None or sha256_of(self.objects, promotion.artifact_uri) != registered:
            raise SignatureMismatch(
                f"version {version} cannot be made again: {promotion.artifact_uri} is gone or is not what was "
                f"registered; go back to another version with --to"
            )
        return promotion

    def remember(self, rollback: Rollback, missing: Sequence[str], at: datetime) -> None:
        """The ledger says what does not come from the version's own time in production."""
        made = " and ".join(missing)
        summary = f"{made} of version {rollback.to_version} made again from the record of its promotion"
        self.ledger.append(ROLLBACK_MADE_AGAIN, rollback.id, {"made": list(missing), "summary": summary}, at, ACTOR)


@dataclass(frozen=True)
class Restoring:
    """One look at the endpoint, and the one thing to do about it."""

    rollback: Rollback
    at: datetime
    names: ModelNames
    ledger: Ledger
    endpoints: Endpoints
    alarms: Alarms

    def look(self) -> EndpointState:
        """The endpoint, which serves the rollback's config. Until then it acts, and raises RolloutInProgress."""
        live = self.endpoints.describe(self.names.endpoint)
        if live is not None and (live.status, live.config) == ("InService", self.rollback.config):
            return live
        ensure_held(self.ledger, self.rollback)
        if live is None:
            self._create()
        elif live.status == "Failed":
            self.endpoints.delete(live.name)
            raise EndpointNotReady(f"{live.name} had failed, which SageMaker mends by no update: it is made anew")
        elif is_settled(live):
            self._update(live)
        elif live.pending_config not in (None, self.rollback.config):
            send_back(self.endpoints, self.alarms, self.names, self.rollback.reason)
        raise RolloutInProgress(f"{self.names.endpoint} is on its way to {self.rollback.config}")

    def _create(self) -> None:
        self._count("it did not exist")
        self.endpoints.create(self.names.endpoint, self.rollback.config)

    def _update(self, live: EndpointState) -> None:
        self._count(f"it was {live.status} with {live.config}", live.failure)
        self.endpoints.update(live.name, self.rollback.config)

    def _count(self, before: str, failure: str = "") -> None:
        """Written before the request: one whose answer is lost counts too."""
        tries = len(self.ledger.entries(ROLLBACK_MOVED, self.rollback.id))
        if tries >= _TRIES:
            raise EndpointFailed(
                f"{self.names.endpoint} did not come to serve {self.rollback.config} in {tries} updates "
                f"({failure or 'SageMaker gives no reason'}); go back to another version with --to"
            )
        summary = f"{self.names.endpoint} is sent to {self.rollback.config}; {before}"
        data = {"config": self.rollback.config, "try": tries + 1, "summary": summary}
        self.ledger.append(ROLLBACK_MOVED, self.rollback.id, data, self.at, ACTOR)
