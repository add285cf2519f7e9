"""The end of a promotion: nothing is left over, the lease is free, and the next approval gets its turn."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Promotion
from trimtab.ledger.kinds import PROMOTION_CLOSED, ROLLBACK_REQUESTED, ROLLOUT_SERVING
from trimtab.ledger.lookup import latest
from trimtab.names import ModelNames
from trimtab.ports import Alarms, Endpoints, EndpointState, Ledger, ModelRegistry, Notifier
from trimtab.rollout.approval import is_approved
from trimtab.rollout.baseline import published
from trimtab.rollout.keeping import in_use, models_in_use, moving_configs, outdated
from trimtab.rollout.queue import LEASE, waiting
from trimtab.rollout.reigns import reigns
from trimtab.rollout.rollback_alarms import ERRORS, STOP, alarm_name
from trimtab.rollout.served import served_name
from trimtab.spec.rollout import RolloutSpec

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
    rollout: RolloutSpec

    def close(self, outcome: str, reason: str) -> dict[str, Any]:
        """``next`` is an approval that waited, to be announced again; only the holder of the lease names one."""
        reason = in_words(reason)
        held = self.ledger.lease_holder(LEASE)
        if outcome == "Busy" and (held is None or held.holder != self.id):
            return {"outcome": outcome, "released": False, "next": None}
        is_mine = held is not None and (held.holder == self.id or self._is_rollback(held.holder))
        cleaned = self._clean_up(outcome, reason) if is_mine else []
        if latest(self.ledger, PROMOTION_CLOSED, self.id) is None:
            self._record(outcome, reason, cleaned)
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

    def _is_rollback(self, holder: str) -> bool:
        """A rollback that took the lease over waits for this promotion to end, and leaves cleaning up to it."""
        return latest(self.ledger, ROLLBACK_REQUESTED, holder) is not None

    def _clean_up(self, outcome: str, reason: str) -> list[str]:
        """What of earlier versions was removed, its grace time being over."""
        live = self.endpoints.describe(self.names.endpoint)
        if self.promotion is not None and self.promotion.outcome == "Approved":
            self._stop_traffic(self.promotion, live, outcome, reason)
            self._remove(self.promotion, live)
        cleaned = self._remove_outdated(live)
        self._remove_dead_alarms(live)
        if self.promotion is not None and self._is_unfit(self.promotion, outcome):
            self._reject(self.promotion, reason)
        return cleaned

    def _stop_traffic(self, promotion: Promotion, live: EndpointState | None, outcome: str, reason: str) -> None:
        """A promotion that failed while traffic moved must not go on unwatched."""
        switch = alarm_name(served_name(promotion, self.names), STOP)
        is_moving = live is not None and live.pending_config == served_name(promotion, self.names)
        if outcome == "Failed" and is_moving and switch in self.alarms.states([switch]):
            self.alarms.ring(switch, f"the promotion failed: {reason}")

    def _remove(self, promotion: Promotion, live: EndpointState | None) -> None:
        """Staging goes; the version's own configs and model go with it unless production needs them.

        Production needs what serves, what it is moving to, and what served before: a rollback goes back to that.
        """
        if not self.rollout.staging_test.keep:
            self._remove_staging(promotion)
        needed = in_use(live) | {reign.config for reign in reigns(self.ledger.entries())}
        models = models_in_use(self.endpoints, needed)
        for config in moving_configs(promotion, self.names):
            if config not in needed:
                self.endpoints.delete_config(config)
        name = served_name(promotion, self.names)
        if name not in needed | models:
            self.endpoints.delete_model(name)

    def _remove_staging(self, promotion: Promotion) -> None:
        config = self.names.served(promotion.version, promotion.tag, "staging")
        self.endpoints.delete(self.names.staging_endpoint)
        self.endpoints.delete_config(config)
        self.endpoints.delete_model(config)  # a serverless staging endpoint has a model of its own

    def _remove_outdated(self, live: EndpointState | None) -> list[str]:
        """Configs and models of versions that served long ago; the ledger says which."""
        used = in_use(live)
        models = models_in_use(self.endpoints, used)
        entries = self.ledger.entries()
        gone = {name for entry in entries if entry.kind == PROMOTION_CLOSED for name in entry.data.get("cleaned", ())}
        found = [name for name in outdated(entries, self.rollout.after, self.at) if name not in used | models | gone]
        for name in found:
            self.endpoints.delete_config(name)
            self.endpoints.delete_model(name)
        return found

    def _remove_dead_alarms(self, live: EndpointState | None) -> None:
        """Rollback alarms of configs that do not serve any more are deleted; other models' are told apart by name."""
        pattern = re.compile(rf"({re.escape(self.names.prefix)}-v\d+-[0-9a-f]{{8}})-({ERRORS}|{STOP})")
        matches = [match for name in self.alarms.named(f"{self.names.prefix}-v") if (match := pattern.fullmatch(name))]
        dead = [match.group(0) for match in matches if match.group(1) not in in_use(live)]
        if dead:
            self.alarms.delete(dead)

    def _is_unfit(self, promotion: Promotion, outcome: str) -> bool:
        """Refused by its own fault: disqualified when checked, or approved and then refused by staging."""
        return outcome == "Refused" and (promotion.disqualified or promotion.outcome == "Approved")

    def _reject(self, promotion: Promotion, reason: str) -> None:
        if is_approved(self.registry.describe(promotion.package_arn)):
            self.registry.reject(promotion.package_arn, reason)

    def _record(self, outcome: str, reason: str, cleaned: list[str]) -> None:
        version = self.promotion.version if self.promotion else 0
        named = f"version {version}" if version else "the approval"
        if outcome in ("Refused", "Failed", "Shadowed"):
            self.notifier.send(
                f"promotion of {named} ended: {outcome}",
                f"The promotion of {named} ended as {outcome}; {self._production(version)}.",
                reason or "no reason was given",
                self._help(outcome, version),
            )
        data = {
            "outcome": outcome,
            "reason": reason,
            "package_arn": self.promotion.package_arn if self.promotion else "",
            "version": version,
            "cleaned": cleaned,
            "summary": f"promotion of {named} ended: {outcome}",
        }
        self.ledger.append(PROMOTION_CLOSED, self.id, data, self.at, ACTOR)

    def _took_over(self) -> bool:
        """The promotion broke off after its version had been confirmed to serve."""
        return latest(self.ledger, ROLLOUT_SERVING, self.id) is not None

    def _production(self, version: int) -> str:
        if not self._took_over():
            return "production is as it was"
        unmeasured = "" if self._is_measured(version) else ", but its baseline is not published: nothing measures it"
        return f"version {version} serves all the same{unmeasured}"

    def _help(self, outcome: str, version: int) -> str:
        if not self._took_over() or self._is_measured(version):
            return _next_step(outcome, self.ledger.model)
        command = f'trimtab rollback {self.ledger.model} --to {version} --reason "its baseline is missing"'
        return f"{command} publishes it, and moves no traffic."

    def _is_measured(self, version: int) -> bool:
        return published(self.ledger.entries(), version) is not None


def in_words(reason: str) -> str:
    """A caught error as Step Functions hands it on ({Error, Cause} as JSON) in one line; other text as it is."""
    try:
        error = json.loads(reason)
        cause = json.loads(error["Cause"])
        return f"{error['Error']}: {cause['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return reason


def _next_step(outcome: str, model: str) -> str:
    if outcome == "Shadowed":
        return "Read the report; to roll it out, name a strategy in rollout.shadow.then, deploy and approve it --again."
    if outcome == "Failed":
        return f"Look at what happened (trimtab history {model}), mend the cause, then approve the package again."
    return f"Read the reason (trimtab history {model}); train a new version, or approve again once the reason is gone."
