"""The end of a promotion: nothing is left over, the lease is free, and the next approval gets its turn."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Promotion
from trimtab.ledger.lookup import latest
from trimtab.names import ModelNames
from trimtab.ports import Alarms, Endpoints, EndpointState, Ledger, ModelRegistry, Notifier
from trimtab.rollout.approval import is_approved
from trimtab.rollout.queue import LEASE, waiting
from trimtab.rollout.rollback_alarms import ERRORS, STOP, alarm_name
from trimtab.rollout.served import served_name, staging_of

CLOSED = "promotion.closed"
ACTOR = "close_promotion"


@dataclass(frozen=True)
class Closing:
    """Ends the promotion of the execution ``id``; every act of it may be repeated."""

    id: str
    promotion: Promotion | None
    at: datetime
    names: ModelNames
    ledger: Ledger
    notifier: Notifier
    endpoints: Endpoints
    alarms: Alarms
    registry: ModelRegistry

    def close(self, outcome: str, reason: str) -> dict[str, Any]:
        """``next`` is an approval that waited, to be announced again; only the holder of the lease names one."""
        reason = in_words(reason)
        held = self.ledger.lease_holder(LEASE)
        if held is not None and held.holder == self.id:
            self._clean_up(outcome, reason)
        elif outcome == "Busy":
            return {"outcome": outcome, "released": False, "next": None}
        if latest(self.ledger, CLOSED, self.id) is None:
            self._record(outcome, reason)
        released = held is not None and self.ledger.release(LEASE, self.id, held.fence)
        return {"outcome": outcome, "released": released, "next": self._next()}

    def _next(self) -> dict[str, Any] | None:
        """Read after the release, so an approval that came a moment before it is found too."""
        if self.ledger.lease_holder(LEASE) is not None:
            return None
        queue = waiting(self.ledger.entries())
        if not queue:
            return None
        return {"model": self.ledger.model, "package_arn": queue[0], "at": self.at.isoformat()}

    def _clean_up(self, outcome: str, reason: str) -> None:
        live = self.endpoints.describe(self.names.endpoint)
        if self.promotion is not None and self.promotion.outcome == "Approved":
            self._stop_traffic(self.promotion, live, outcome, reason)
            self._remove(self.promotion, live)
        self._remove_dead_alarms(live)
        if self.promotion is not None and self._is_unfit(self.promotion, outcome):
            self._reject(self.promotion, reason)

    def _stop_traffic(self, promotion: Promotion, live: EndpointState | None, outcome: str, reason: str) -> None:
        """A promotion that failed while traffic moved must not go on unwatched."""
        config = served_name(promotion, self.names)
        if outcome == "Failed" and live is not None and live.pending_config == config:
            self.alarms.ring(alarm_name(config, STOP), f"the promotion failed: {reason}")

    def _remove(self, promotion: Promotion, live: EndpointState | None) -> None:
        """Staging goes; the version's own config and model go with it unless production has or is getting them."""
        staging, config = staging_of(promotion, self.names), served_name(promotion, self.names)
        self.endpoints.delete(staging.endpoint)
        self.endpoints.delete_config(staging.config)
        if config not in _in_use(live):
            self.endpoints.delete_config(config)
            self.endpoints.delete_model(config)

    def _remove_dead_alarms(self, live: EndpointState | None) -> None:
        """Rollback alarms of configs that do not serve any more are deleted; other models' are told apart by name."""
        pattern = re.compile(rf"({re.escape(self.names.prefix)}-v\d+-[0-9a-f]{{8}})-({ERRORS}|{STOP})")
        matches = [match for name in self.alarms.named(f"{self.names.prefix}-v") if (match := pattern.fullmatch(name))]
        dead = [match.group(0) for match in matches if match.group(1) not in _in_use(live)]
        if dead:
            self.alarms.delete(dead)

    def _is_unfit(self, promotion: Promotion, outcome: str) -> bool:
        """Refused by its own fault: disqualified when checked, or approved and then refused by staging."""
        return outcome == "Refused" and (promotion.disqualified or promotion.outcome == "Approved")

    def _reject(self, promotion: Promotion, reason: str) -> None:
        if is_approved(self.registry.describe(promotion.package_arn)):
            self.registry.reject(promotion.package_arn, reason)

    def _record(self, outcome: str, reason: str) -> None:
        version = self.promotion.version if self.promotion else 0
        named = f"version {version}" if version else "the approval"
        if outcome in ("Refused", "Failed"):
            self.notifier.send(
                f"promotion of {named} ended: {outcome}",
                f"The promotion of {named} ended as {outcome}; production is as it was.",
                reason or "no reason was given",
                _next_step(outcome),
            )
        data = {
            "outcome": outcome,
            "reason": reason,
            "package_arn": self.promotion.package_arn if self.promotion else "",
            "version": version,
            "summary": f"promotion of {named} ended: {outcome}",
        }
        self.ledger.append(CLOSED, self.id, data, self.at, ACTOR)


def in_words(reason: str) -> str:
    """A caught error as Step Functions hands it on ({Error, Cause} as JSON) in one line; other text as it is."""
    try:
        error = json.loads(reason)
        cause = json.loads(error["Cause"])
        return f"{error['Error']}: {cause['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return reason


def _in_use(live: EndpointState | None) -> set[str | None]:
    return {live.config, live.pending_config} if live else set()


def _next_step(outcome: str) -> str:
    if outcome == "Failed":
        return "Look at the promotion's execution, mend the cause, then approve the package again."
    return "Read the reason; train a new version, or approve again once the reason is gone."
