"""How a rollback's end is written down: in the ledger, in the registry, to people, and each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Rollback
from trimtab.ledger.kinds import BASELINE_PUBLISHED, ROLLBACK_DONE, ROLLBACK_FAILED, ROLLBACK_MADE_AGAIN
from trimtab.ledger.lineage_graph import Lineage
from trimtab.ledger.lookup import decided, latest
from trimtab.names import ModelNames
from trimtab.ports import Entry, Ledger, MetricsSink, ModelRegistry, Notifier
from trimtab.rollout.approval import is_approved
from trimtab.rollout.deployment import Deployment
from trimtab.rollout.queue import LEASE, waiting
from trimtab.rollout.reigns import newest_of, reigns
from trimtab.telemetry import Metric

ACTOR = "restore_version"


@dataclass(frozen=True)
class Restored:
    """Records of one rollback. A second call of any of them changes nothing and tells nobody."""

    rollback: Rollback
    at: datetime
    names: ModelNames
    ledger: Ledger
    registry: ModelRegistry
    notifier: Notifier
    metrics: MetricsSink

    def earlier(self) -> Mapping[str, Any] | None:
        """What a first attempt has recorded already."""
        return decided(self.ledger, ROLLBACK_DONE, self.rollback.id)

    def serving(
        self, evidence: Mapping[str, Any], lineage: Lineage, baseline: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Registry, champion, ``baseline``, lineage and people agree that the earlier version serves."""
        rollback = self.rollback
        self._reject()
        data = self._data(evidence) | {"baseline": dict(baseline) if baseline else None}
        data["evidence"]["lineage"] = self._deployment(data["champion"]).note(lineage)
        self.metrics.put(Metric.ROLLBACKS, 1)
        self._tell(data)
        state = {"champion": data["champion"]} | ({"baseline": data["baseline"]} if data["baseline"] else {})
        self.ledger.append(ROLLBACK_DONE, rollback.id, data, self.at, ACTOR, state=state)
        if data["baseline"]:
            summary = f"windows are compared with version {rollback.to_version} again"
            self.ledger.append(BASELINE_PUBLISHED, rollback.id, data["baseline"] | {"summary": summary}, self.at, ACTOR)
        return data

    def _deployment(self, champion: Mapping[str, Any]) -> Deployment:
        return Deployment({**champion, "config": self.rollback.config}, self.names.endpoint, self.rollback.id)

    def _data(self, evidence: Mapping[str, Any]) -> dict[str, Any]:
        rollback, entries = self.rollback, self.ledger.entries()
        reign = newest_of(reigns(entries), rollback.to_version)
        before = dict(reign.champion) if reign else {}
        named = rollback.promotion.id if rollback.promotion else ""
        left = f" instead of version {rollback.from_version}" if rollback.from_version else ""
        return {
            "outcome": "RolledBack",
            "from_version": rollback.from_version,
            "to_version": rollback.to_version,
            "config": rollback.config,
            "by": rollback.by,
            "reason": rollback.reason,
            "champion": before | {"since": self.at.isoformat(), "promotion": named},
            "evidence": dict(evidence),
            "made_again": _made_again(entries, rollback.id),
            "summary": f"version {rollback.to_version} serves again{left}: {rollback.reason}",
        }

    def _reject(self) -> None:
        arn = self.rollback.from_package
        if arn and is_approved(self.registry.describe(arn)):
            self.registry.reject(arn, f"rolled back by {self.rollback.by or 'a rollback'}: {self.rollback.reason}")

    def _tell(self, data: Mapping[str, Any]) -> None:
        rollback = self.rollback
        left = f" Version {rollback.from_version} was set to Rejected." if rollback.from_version else ""
        again = f" Made again: {' and '.join(data['made_again'])}." if data["made_again"] else ""
        self.notifier.send(
            f"version {rollback.to_version} serves again",
            f"Production was rolled back to version {rollback.to_version} ({rollback.config}).{left}{again}",
            f"{rollback.by or 'Somebody'} asked for it: {rollback.reason}",
            f"Find out why: trimtab history {self.names.model}; a new version goes through its gates as always.",
        )


def _made_again(entries: list[Entry], rollback: str) -> list[str]:
    """What was gone, and therefore made anew from the promotion's record with today's ``rollout``."""
    made = [entry.data["made"] for entry in entries if (entry.kind, entry.subject) == (ROLLBACK_MADE_AGAIN, rollback)]
    return sorted({what for each in made for what in each})


def close(restored: Restored, failure: str) -> dict[str, Any]:
    """The lease is free again, and ``next`` is the approval that waited; a failure was told with what helps."""
    rollback, ledger = restored.rollback, restored.ledger
    if failure and restored.earlier() is None and latest(ledger, ROLLBACK_FAILED, rollback.id) is None:
        _record_failure(restored, failure)
    held = ledger.lease_holder(LEASE)
    released = held is not None and held.holder == rollback.id and ledger.release(LEASE, rollback.id, held.fence)
    queue = waiting(ledger.entries()) if ledger.lease_holder(LEASE) is None else []
    turn = {"model": ledger.model, "package_arn": queue[0], "at": restored.at.isoformat()} if queue else None
    return {"outcome": "Failed" if failure else rollback.outcome, "released": released, "next": turn}


def _record_failure(restored: Restored, failure: str) -> None:
    rollback, names = restored.rollback, restored.names
    config = rollback.config or "CONFIG"
    restored.notifier.send(
        f"the rollback to version {rollback.to_version} failed",
        f"Production was not brought to version {rollback.to_version}; look at what it serves.",
        failure,
        f"Try by hand: aws sagemaker update-endpoint --endpoint-name {names.endpoint} --endpoint-config-name {config}; "
        f"then trimtab rollback {names.model} --to {rollback.to_version} --reason TEXT records it.",
    )
    data = {"reason": failure, "to_version": rollback.to_version, "summary": f"the rollback failed: {failure}"}
    restored.ledger.append(ROLLBACK_FAILED, rollback.id, data, restored.at, "close_rollback")
