"""The beginning of a rollback: what to go back to, and the promotion in its way stopped and fenced out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trimtab.contracts import Promotion, Rollback
from trimtab.errors import LeaseLost, RolloutInProgress
from trimtab.ledger.kinds import ROLLBACK_REQUESTED
from trimtab.ledger.lookup import decided
from trimtab.names import ModelNames
from trimtab.ports import Alarms, Endpoints, Entry, Ledger, ModelRegistry
from trimtab.rollout.approval import is_approved
from trimtab.rollout.baseline import published
from trimtab.rollout.keeping import models_in_use
from trimtab.rollout.queue import LEASE
from trimtab.rollout.reigns import Reign, good_versions, newest_of, record_of, reigns, under_way
from trimtab.rollout.rollback_alarms import STOP, alarm_name

ACTOR = "begin_rollback"
TTL_S = 2 * 3600
"""Longer than the rollback machine may run."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for."""

    to: int
    """Version to go back to; 0 for the last one that is known to be good."""
    reason: str
    by: str


@dataclass(frozen=True)
class Beginning:
    """Begins the rollback of the execution ``id``; every act of it may be repeated."""

    id: str
    at: datetime
    names: ModelNames
    ledger: Ledger
    registry: ModelRegistry
    endpoints: Endpoints
    alarms: Alarms

    def begin(self, request: Request, *, wait: bool) -> Rollback:
        """The rollback holds the lease, and what it stopped has ended; or it is Refused.

        Raises RolloutInProgress while the stopped promotion has not ended, unless ``wait`` is False.
        """
        rollback = self._decided() or self._decide(request)
        if rollback.outcome == "Refused":
            return rollback
        fence = self._take_lease()
        promotion = under_way(self.ledger.entries())
        if promotion is not None:
            self._stop(promotion, rollback.reason)
            if wait:
                raise RolloutInProgress(f"the promotion of version {promotion.version} is being stopped")
        return rollback.model_copy(update={"fence": fence})

    def _decided(self) -> Rollback | None:
        found = decided(self.ledger, ROLLBACK_REQUESTED, self.id)
        return Rollback.model_validate(found) if found else None

    def _decide(self, request: Request) -> Rollback:
        """Written down before anything is done, so that a retry goes back to the same version."""
        entries = self.ledger.entries()
        rollback = self._choose(entries, request)
        aim = f"to version {rollback.to_version}" if rollback.to_version else "to the last good version"
        asked = f"rollback {aim} asked for by {request.by or 'nobody named'}: {request.reason or 'no reason given'}"
        summary = asked if rollback.outcome == "Begun" else f"{asked}; refused: {rollback.reason}"
        data = rollback.to_json() | {"to": request.to, "asked_because": request.reason, "summary": summary}
        self.ledger.append(ROLLBACK_REQUESTED, self.id, data, self.at, ACTOR)
        return rollback

    def _choose(self, entries: Sequence[Entry], request: Request) -> Rollback:
        history, moving = reigns(entries), under_way(entries)
        version = request.to or _default(history, moving)
        target = newest_of(history, version)
        refusal = self._objection(history, target, version, request, moving)
        if refusal or target is None:
            reason = refusal or "no version is named"
            return Rollback(outcome="Refused", reason=reason, id=self.id, by=request.by, to_version=version)
        now = history[-1]
        leaves = now if now.version != target.version else None
        return Rollback(
            outcome="Begun",
            reason=request.reason,
            id=self.id,
            by=request.by,
            from_version=leaves.version if leaves else 0,
            from_package=str(leaves.champion.get("package_arn", "")) if leaves else "",
            to_version=target.version,
            config=target.config,
            promotion=record_of(entries, target.promotion),
        )

    def _objection(
        self, history: Sequence[Reign], target: Reign | None, version: int, request: Request, moving: Promotion | None
    ) -> str:
        """Why it cannot be done, with what helps; empty when it can."""
        model = self.names.model
        if not request.reason.strip():
            return f"a rollback needs a reason: trimtab rollback {model} --reason TEXT"
        if target is None:
            served = ", ".join(str(each) for each in sorted({reign.version for reign in history})) or "none"
            asked = f"version {version} never served" if version else "no version served before this one"
            return f"{asked}; versions that did: {served}"
        if not is_approved(self.registry.describe(str(target.champion["package_arn"]))):
            return (
                f"version {version} is not Approved any more, and no machine approves: "
                f"trimtab approve {model} {version}, then ask again, or name another version with --to"
            )
        return self._needless(target, moving) or self._rival()

    def _needless(self, target: Reign, moving: Promotion | None) -> str:
        live = self.endpoints.describe(self.names.endpoint)
        serves = live is not None and (live.status, live.config) == ("InService", target.config)
        if not serves or moving or self._has_lost_parts(target.config):
            return ""
        if published(self.ledger.entries(), target.version) is None:
            return ""
        return f"version {target.version} serves already, and no rollout is under way"

    def _has_lost_parts(self, config: str) -> bool:
        """Its endpoint config or model was deleted while in use: it serves until an instance has to be replaced."""
        described = self.endpoints.config(config)
        return described is None or any(
            self.endpoints.model(model) is None for model in models_in_use(self.endpoints, [config])
        )

    def _rival(self) -> str:
        """Another rollback that has the lease and has not run out of time."""
        held = self.ledger.lease_holder(LEASE)
        other = decided(self.ledger, ROLLBACK_REQUESTED, held.holder) if held and held.holder != self.id else None
        if other is None or held is None or held.expires <= self.at:
            return ""
        return f"a rollback to version {other['to_version']} is under way ({held.holder})"

    def _take_lease(self) -> int:
        """The fence of this rollback's lease. Whoever held it finds out when it next asks, and must not act again."""
        held = self.ledger.lease_holder(LEASE)
        if held is not None and held.holder != self.id:
            # A lease can be taken once it has expired: asked at its own end, it has.
            self.ledger.lease(LEASE, self.id, max(held.expires, self.at), 0)
        lease = self.ledger.lease(LEASE, self.id, self.at, TTL_S)
        if lease is None:
            raise RolloutInProgress("another execution was faster to take the lease; it is taken over next")
        return lease.fence

    def _stop(self, promotion: Promotion, reason: str) -> None:
        """Its approval is withdrawn, which every step of it looks for, and traffic that moves is sent back."""
        if is_approved(self.registry.describe(promotion.package_arn)):
            self.registry.reject(promotion.package_arn, f"stopped for a rollback: {reason}")
        send_back(self.endpoints, self.alarms, self.names, reason)


def send_back(endpoints: Endpoints, alarms: Alarms, names: ModelNames, reason: str) -> None:
    """SageMaker's update that is under way, if there is one with a stop switch, is told to roll back."""
    live = endpoints.describe(names.endpoint)
    if live is None or live.pending_config is None:
        return
    switch = alarm_name(live.pending_config, STOP)
    if switch in alarms.states([switch]):
        alarms.ring(switch, reason)


def _default(history: Sequence[Reign], moving: Promotion | None) -> int:
    """What serves while another version is on its way; else the good version before it, 0 when there is none."""
    good = good_versions(history)
    if moving is not None:
        return good[-1] if good else 0
    return good[-2] if len(good) > 1 else 0


def ensure_held(ledger: Ledger, rollback: Rollback) -> None:
    """Raises LeaseLost when another rollback has taken over."""
    held = ledger.lease_holder(LEASE)
    if held is None or (held.holder, held.fence) != (rollback.id, rollback.fence):
        raise LeaseLost(f"the rollback {rollback.id} lost the lease to {held.holder if held else 'nobody'}")
